import { createHash, randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAdminApp } from '../../functions/admin/app.ts';
import packageJson from '../../package.json' with { type: 'json' };
import { DEFAULT_LINK_DAYS } from '../../shared/file-link.ts';
import { systemClock } from '../../shared/ports/clock.ts';
import type { Log } from '../../shared/ports/log.ts';
import { type ApiServer, startApiServer } from '../api-server.ts';
import { type Runtime, startRuntime } from '../runtime.ts';
import { INVOICE_MAIL, OLD_MAIL, ORDER_MAIL, STUBBORN_MAIL } from './demo-mails.ts';
import { type DemoReceiver, startDemoReceiver, type Taken } from './demo-receiver.ts';
import { type ImapServer, startImapServer } from './imap-server.ts';
import { type Pop3Server, startPop3Server } from './pop3-server.ts';

/** Instead of 5 s, 5 min, 30 min, …: nobody watches a demo for 76 hours. */
const SHORT_DELAYS_MS = [500, 1_000, 2_000];
const DEADLINE_MS = 25_000;
const PASSWORD = 'demo';

const startedAt = performance.now();
const say = (text = '') => process.stdout.write(`${text}\n`);
const step = (text: string) =>
  say(`${((performance.now() - startedAt) / 1000).toFixed(1).padStart(5)} s  ${text}`);

/** What the demo saw, and what it waits for. */
class Scene {
  readonly taken: Taken[] = [];
  #waiters: { readonly holds: () => boolean; readonly resolve: () => void }[] = [];

  take(taken: Taken): void {
    this.taken.push(taken);
    this.look();
  }

  look(): void {
    for (const { holds, resolve } of this.#waiters) if (holds()) resolve();
    this.#waiters = this.#waiters.filter(({ holds }) => !holds());
  }

  until(holds: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      if (holds()) resolve();
      else this.#waiters.push({ holds, resolve });
    });
  }

  delivered(subject: string): boolean {
    return this.taken.some(({ status, event }) => status === 200 && event.data.subject === subject);
  }
}

interface Stage {
  readonly imap: ImapServer;
  readonly pop3: Pop3Server;
  readonly receiver: DemoReceiver;
  readonly runtime: Runtime;
  readonly scene: Scene;
  call(path: string, body: unknown): Promise<Record<string, unknown>>;
  useSecret(secret: string): void;
}

async function play(stage: Stage): Promise<void> {
  const { imap, pop3, receiver, scene } = stage;
  const webhook = await stage.call('/v1/webhooks', { url: receiver.url, name: 'demo' });
  stage.useSecret(String(webhook.secret));
  step(`webhook added: ${receiver.url}; its secret signs every request`);
  const login = { host: '127.0.0.1', security: 'none', password: PASSWORD, intervalSeconds: 5 };
  await stage.call('/v1/accounts', {
    ...login,
    name: 'ana',
    protocol: 'imap',
    port: imap.port,
    username: 'ana@example.com',
    onDelivered: 'mark-seen',
  });
  step(
    'IMAP account added: one old mail is in it, which counts as known; delivered mail will be marked read',
  );
  await stage.call('/v1/accounts', {
    ...login,
    name: 'orders',
    protocol: 'pop3',
    port: pop3.port,
    username: 'orders@example.com',
    onDelivered: 'delete',
  });
  step('POP3 account added: delivered mail will be deleted from it');

  imap.mailbox('ana@example.com').add(INVOICE_MAIL);
  imap.mailbox('ana@example.com').add(STUBBORN_MAIL);
  pop3.add('orders@example.com', ORDER_MAIL);
  step('three mails arrive; polling now instead of at the next interval');
  await stage.call('/v1/poll', {});
  await scene.until(() => scene.delivered('Rechnung Nr. 7'));
  await showEvent(scene);
  await scene.until(() => scene.delivered('Order 4711') && scene.delivered('Please try again'));
  await settled(stage);
}

async function showEvent(scene: Scene): Promise<void> {
  const event = scene.taken.find(({ event: { data } }) => data.subject === 'Rechnung Nr. 7')?.event;
  step('the first event, as the receiver got it:');
  say(JSON.stringify(event, null, 2).replace(/^/gm, '        '));
  const [file] = event?.data.attachments ?? [];
  if (!file?.href) throw new Error('The event has no link to its attachment');
  const response = await fetch(file.href);
  const bytes = Buffer.from(await response.arrayBuffer());
  const isWhole = createHash('sha256').update(bytes).digest('hex') === file.sha256;
  if (!isWhole) throw new Error(`The link to the attachment answered ${response.status} with other bytes`);
  step(`the link to ${file.filename} leads to its ${bytes.length} bytes, with the sha256 of the event`);
}

async function settled({ imap, pop3 }: Stage): Promise<void> {
  const account = imap.account('ana@example.com');
  const fresh = () => imap.mailbox('ana@example.com').mails.slice(1);
  await account.until(() => fresh().every(({ flags }) => flags.has('\\Seen')));
  step('IMAP: both new mails are marked read on the server, after their 2xx and not before');
  while (pop3.mails('orders@example.com').length > 0) await pop3.nextSession('orders@example.com');
  step('POP3: the mail is deleted from the server, after its 2xx and not before');
}

function report(scene: Scene, taken: Taken): void {
  const { attempt, verified, status, event } = taken;
  const verdict = verified ? 'signature verified' : 'WRONG SIGNATURE';
  step(`  receiver: "${event.data.subject}", attempt ${attempt}, ${verdict}, answers ${status}`);
  scene.take(taken);
}

const QUIET: Log = {
  info: () => undefined,
  warn: () => undefined,
  error: (event, fields) => step(`  ${event} ${JSON.stringify(fields)}`),
};

function appOf({ embedded, egress, operations }: Runtime): ReturnType<typeof createAdminApp> {
  const { store, blobs, vault } = embedded;
  const { version } = packageJson;
  const parts = { store, vault, blobs, linkDays: DEFAULT_LINK_DAYS, egress, operations };
  return createAdminApp({ ...parts, clock: systemClock, random: randomBytes, log: QUIET, version });
}

/** Sends requests to the API as the command line does, without a socket between. */
function apiOf(app: ReturnType<typeof createAdminApp>): Stage['call'] {
  return async (path, body) => {
    const response = await app.request(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
    return (await response.json()) as Record<string, unknown>;
  };
}

async function main(): Promise<void> {
  say('mailhook demo: mail in a POP3 and an IMAP mailbox becomes signed webhooks.');
  say(
    'Everything runs on this machine and nothing of it stays; retries use a shortened schedule (0.5, 1, 2 s).\n',
  );
  const folder = await mkdtemp(join(tmpdir(), 'mailhook-demo-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const imap = await startImapServer({
    users: { 'ana@example.com': { password: PASSWORD, mails: [OLD_MAIL] } },
  });
  const pop3 = await startPop3Server({ users: { 'orders@example.com': { password: PASSWORD } } });
  const scene = new Scene();
  let secret = '';
  const receiver = await startDemoReceiver(
    () => secret,
    (event, attempt) => (event.data.subject === 'Please try again' && attempt <= 2 ? 503 : 200),
    (taken) => report(scene, taken),
  );
  const publicUrl = Promise.withResolvers<string>();
  const runtime = await startRuntime({
    folder,
    egress: 'private-ok',
    links: { publicUrl: publicUrl.promise, days: DEFAULT_LINK_DAYS },
    clock: systemClock,
    log: QUIET,
    retryDelaysMs: SHORT_DELAYS_MS,
  });
  const app = appOf(runtime);
  const files = { answer: runtime.files, publicUrl: null };
  const token = randomBytes(16).toString('hex');
  let server: ApiServer | null = null;
  try {
    server = await startApiServer({ app, files, port: 0, token });
    publicUrl.resolve(server.url);
    const call = apiOf(app);
    await play({ imap, pop3, receiver, runtime, scene, call, useSecret: (value) => (secret = value) });
    const { taken } = scene;
    if (!taken.every(({ verified }) => verified)) throw new Error('A request had a wrong signature');
    const ids = new Set(taken.map(({ id }) => id)).size;
    const refused = taken.filter(({ status }) => status !== 200).length;
    say(
      `\n${ids} mails, ${ids} ids, ${taken.length} requests (${refused} of them refused and tried again), all signatures verified.`,
    );
    say('Next: npm start, then npx mailhook accounts add … with a mailbox of yours.');
  } finally {
    await Promise.all([server?.close(), runtime.close()]);
    await Promise.all([receiver.close(), imap.close(), pop3.close()]);
  }
}

// Whoever has seen enough, as behind `| head`, needs no stack trace; the demo still tidies up.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});
process.once('SIGINT', () => process.exit(130));
process.once('SIGTERM', () => process.exit(143));
const deadline = setTimeout(() => {
  process.stderr.write(`The demo did not end within ${DEADLINE_MS / 1000} s\n`);
  process.exit(1);
}, DEADLINE_MS);
try {
  await main();
  clearTimeout(deadline);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
