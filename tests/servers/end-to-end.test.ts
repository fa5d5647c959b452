import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Dovecot, startDovecot } from '../support/dovecot.ts';
import { generateMails } from '../support/mail-generator.ts';
import { type Product, startProduct } from '../support/product.ts';
import { type ReceiverOptions, startReceiver } from '../support/receiver.ts';

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const PASSWORD = 'secret';

interface MessageJson {
  readonly id: string;
  readonly state: string;
  readonly settlement: { readonly action: string; readonly state: string };
}
interface Page<Item> {
  readonly data: Item[];
  readonly next: string | null;
}

let dovecot: Dovecot;
let folder: string;
let product: Product;
let users = 0;
const closers: (() => Promise<unknown>)[] = [];
const names = Array.from({ length: 24 }, (_, index) => `user${index}`);

beforeAll(async () => {
  dovecot = await startDovecot({
    users: Object.fromEntries(names.map((name) => [name, { password: PASSWORD }])),
  });
});
afterAll(() => dovecot.stop());

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mailhook-e2e-'));
  product = await startProduct(folder);
});
afterEach(async () => {
  await product.kill();
  for (const close of closers.splice(0)) await close();
  rmSync(folder, { recursive: true, force: true });
});

const freshUser = () => names[users++] ?? 'user0';

async function receiver(options: Omit<ReceiverOptions, 'secret'> = {}) {
  const started = await startReceiver({ secret: SECRET, ...options });
  closers.push(() => started.close());
  await product.call('POST', '/webhooks', { url: started.url, secret: SECRET });
  return started;
}

async function account(user: string, protocol: 'imap' | 'pop3', settings: Record<string, unknown> = {}) {
  return await product.call<{ id: string }>('POST', '/accounts', {
    name: `${user}-${protocol}`,
    protocol,
    host: '127.0.0.1',
    port: protocol === 'imap' ? dovecot.ports.imap : dovecot.ports.pop3,
    security: 'none',
    username: user,
    password: PASSWORD,
    intervalSeconds: 5,
    ...settings,
  });
}

const poll = () => product.call<{ accounts: { committed: number; outcome: string }[] }>('POST', '/poll', {});
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** All messages of the API, page by page. */
async function allMessages(): Promise<MessageJson[]> {
  const all: MessageJson[] = [];
  let cursor = '';
  do {
    const page = await product.call<Page<MessageJson>>('GET', `/messages?limit=200${cursor}`);
    all.push(...page.data);
    cursor = page.next === null ? '' : `&cursor=${encodeURIComponent(page.next)}`;
  } while (cursor !== '');
  return all;
}

/** Asks again and again until it holds; the deadline is the test's own. */
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise(setImmediate);
}

/** The SHA-256 of each accepted mail's raw bytes, by what the receiver got. */
function rawHashes(requests: readonly { body: Buffer; id: string }[]): Map<string, string> {
  const hashes = new Map<string, string>();
  for (const { body, id } of requests) hashes.set(id, JSON.parse(body.toString()).data.raw.sha256);
  return hashes;
}

describe('mail at rest before the account', () => {
  it.each([
    ['now', 0],
    ['last:10', 10],
    ['all', 500],
  ] as const)('--start %s delivers %i of 500, over IMAP and over POP3', async (start, expected) => {
    const user = freshUser();
    const hook = await receiver();
    await dovecot.deliverAll(user, generateMails({ seed: 11, count: 500, totalBytes: 1_500_000 }));
    await account(user, 'imap', { start });
    await account(user, 'pop3', { start });
    await poll();
    await dovecot.deliver(user, generateMails({ seed: 12, count: 1 })[0] ?? Buffer.from(''));
    await poll();
    const all = 2 * (expected + 1);
    await hook.whenAccepted(all);
    await poll();
    expect(hook.accepted.size).toBe(all);
    expect(hook.faults).toEqual([]);
    const backfill = hook.requests.filter(({ body }) => JSON.parse(body.toString()).data.backfill === true);
    expect(new Set(backfill.map(({ id }) => id)).size).toBe(2 * expected);
  });
});

describe('2,000 mixed mails over IMAP and POP3', () => {
  const mails = generateMails({ seed: 2026, count: 1000 });
  const hashes = new Set(mails.map(sha256));

  it('arrive once for each id, with the bytes of the server, while the process is killed ten times and a third of the first attempts fails', async () => {
    const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
    console.log(`seed of the kills: ${seed} (SEED=${seed} repeats them)`);
    const dice = fc.sample(fc.nat(250), { seed, numRuns: 10 });
    const user = freshUser();
    const hook = await receiver({
      answer: ({ attempt, id }) => (attempt === 1 && id.charCodeAt(4) % 3 === 0 ? 500 : 200),
    });
    await account(user, 'imap', { start: 'all' });
    await account(user, 'pop3', { start: 'all', onDelivered: 'none' });
    await dovecot.deliverAll(user, mails);
    for (const requests of dice) {
      const polled = poll().catch(() => null);
      await Promise.race([hook.whenReceived(hook.requests.length + requests), hook.whenAccepted(2000)]);
      await product.kill();
      await polled;
      product = await startProduct(folder);
    }
    await hook.whenAccepted(2000);
    await until(async () => (await allMessages()).every(({ state }) => state === 'delivered'));
    expect(hook.faults).toEqual([]);
    expect(hook.accepted.size).toBe(2000);
    expect((await allMessages()).length).toBe(2000);
    for (const bodies of hook.accepted.values()) expect(new Set(bodies).size).toBe(1);
    const seen = [...rawHashes(hook.requests).values()];
    expect(new Set(seen)).toEqual(hashes);
    expect(seen.length).toBe(2000);
  }, 240_000);
});

describe('what is done on the server', () => {
  const mails = generateMails({ seed: 5, count: 3, totalBytes: 20_000 });

  it.each([
    ['imap', 'mark-seen', 'INBOX', '\\Seen'],
    ['imap', 'move:Archive', 'Archive', ''],
    ['imap', 'delete', null, ''],
    ['pop3', 'delete', null, ''],
  ] as const)(
    '%s %s waits for the 2xx',
    async (protocol, onDelivered, mailbox, flags) => {
      const user = freshUser();
      const hook = await receiver();
      await account(user, protocol, { onDelivered });
      await dovecot.deliverAll(user, mails);
      // A POP3 RETR makes Dovecot set \Seen by itself, so only IMAP's flags are ours.
      const state = () =>
        dovecot
          .messages(user)
          .map(({ file, flags: own }) => (protocol === 'imap' ? [file, own] : file.split(':')[0]));
      const before = state();
      hook.withhold();
      await poll();
      await hook.whenReceived(3);
      await poll();
      expect(state()).toEqual(before);
      expect(dovecot.mailboxes(user)).toEqual(['INBOX']);
      hook.release();
      await hook.whenAccepted(3);
      await until(async () => (await allMessages()).every(({ settlement }) => settlement.state === 'done'));
      const left = mailbox === null ? [] : dovecot.messages(user, mailbox);
      const expected = mailbox === null ? [] : [flags, flags, flags];
      expect(left.map(({ flags: own }) => own.join(' '))).toEqual(expected);
      if (mailbox !== 'INBOX') expect(dovecot.messages(user)).toEqual([]);
    },
    60_000,
  );

  it('never comes under endless 500, whatever is polled meanwhile', async () => {
    const user = freshUser();
    const hook = await receiver({ answer: () => 500 });
    await account(user, 'imap', { onDelivered: 'move:Archive', onFailed: 'none' });
    await account(user, 'pop3', { onDelivered: 'delete' });
    await dovecot.deliverAll(user, mails);
    await poll();
    // Each delivery is tried again after 5 s: the second round has come when all six have been there twice.
    await hook.whenReceived(12);
    await poll();
    expect(dovecot.messages(user).length).toBe(3);
    expect(dovecot.mailboxes(user)).toEqual(['INBOX']);
    expect((await allMessages()).every(({ state }) => state === 'pending')).toBe(true);
  }, 60_000);
});

describe('a receiver that is gone', () => {
  it('410 disables the webhook, its deliveries wait, and enabling it brings them', async () => {
    const user = freshUser();
    let gone = true;
    const hook = await receiver({ answer: () => (gone ? 410 : 200) });
    await account(user, 'imap');
    await dovecot.deliverAll(user, generateMails({ seed: 6, count: 20, totalBytes: 60_000 }));
    await poll();
    const state = async () =>
      (await product.call<Page<{ id: string; state: string; pending: number }>>('GET', '/webhooks')).data[0];
    await until(async () => (await state())?.state === 'disabled');
    expect((await state())?.pending).toBe(20);
    gone = false;
    await product.call('POST', `/webhooks/${(await state())?.id}/enable`);
    await hook.whenAccepted(20);
  }, 60_000);
});

describe('a deadline of its own', () => {
  it('SIGTERM ends what is in hand and exits with 0', async () => {
    const user = freshUser();
    const hook = await receiver();
    await account(user, 'imap', { start: 'all' });
    await dovecot.deliverAll(user, generateMails({ seed: 7, count: 200, totalBytes: 400_000 }));
    const polled = poll().catch(() => null);
    await hook.whenReceived(1);
    expect(await product.stop()).toBe(0);
    await polled;
    product = await startProduct(folder);
    await poll();
    await hook.whenAccepted(200);
    for (const bodies of hook.accepted.values()) expect(bodies.length).toBe(1);
  }, 60_000);
});
