import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ByteBudget, createByteBudget } from '../../functions/poll/byte-budget.ts';
import type { PollDeps } from '../../functions/poll/deps.ts';
import { openMailSource } from '../../functions/poll/mail/open-mail-source.ts';
import { createParsePool } from '../../functions/poll/parse/parse-pool.ts';
import { type PollStop, pollAccount } from '../../functions/poll/poll.ts';
import { takeBaseline } from '../../functions/poll/take-baseline.ts';
import type { Account, AccountSettings } from '../../shared/account.ts';
import { createEgress } from '../../shared/egress/create-egress.ts';
import { type Embedded, openEmbedded } from '../../shared/embedded/open.ts';
import { type AccountId, accountIdOf, webhookIdOf } from '../../shared/identity.ts';
import type { PollReport } from '../../shared/operations.ts';
import type { MessageView } from '../../shared/ports/lists.ts';
import type { OpenMailSource } from '../../shared/ports/mail-source.ts';
import { checkedBlobs } from './checked-blobs.ts';
import { silentLog } from './silent-log.ts';

/** The poll function on a store of its own, with a clock that the test sets. */
export interface PollWorld extends AsyncDisposable {
  readonly deps: PollDeps;
  readonly embedded: Embedded;
  readonly clock: { time: number; now(): Date };
  /** Adds an account and takes its baseline; `host` is always 127.0.0.1. */
  add(
    settings: Partial<AccountSettings> & Pick<AccountSettings, 'protocol' | 'port' | 'username'>,
  ): Promise<Account>;
  poll(id: AccountId): Promise<PollReport | null>;
  /** All messages of the store, oldest first. */
  messages(): Promise<MessageView[]>;
  /** Closes the store and opens it again, as after a restart. */
  reopen(): Promise<void>;
}

const GO: PollStop = { signal: new AbortController().signal, stopping: () => false };
export const PASSWORD = 'secret';
const PUBLIC_URL = 'http://127.0.0.1:8025';

/** Opens a world; `wrap` may put something between the poll and its mail source. */
export async function openPollWorld(
  wrap: (open: OpenMailSource) => OpenMailSource = (open) => open,
  budget: ByteBudget = createByteBudget(),
): Promise<PollWorld> {
  const folder = mkdtempSync(join(tmpdir(), 'mailhook-poll-'));
  const clock = { time: Date.parse('2026-11-25T08:00:00Z'), now: () => new Date(clock.time) };
  const pool = createParsePool();
  let embedded = await openEmbedded({ folder, clock });
  const depsOf = (): PollDeps => ({
    store: embedded.store,
    blobs: checkedBlobs(embedded.blobs),
    vault: embedded.vault,
    queue: { enqueue: async () => undefined },
    openSource: wrap(openMailSource(createEgress({ policy: 'private-ok' }))),
    parse: pool.parse,
    links: { publicUrl: Promise.resolve(PUBLIC_URL), random: randomBytes },
    budget,
    clock,
    log: silentLog,
  });
  let deps = depsOf();
  return {
    get deps() {
      return deps;
    },
    get embedded() {
      return embedded;
    },
    clock,
    async add(settings) {
      const account = await newAccount(deps, settings);
      await deps.store.createAccount(account);
      const report = await takeBaseline(deps, account.id, account.start, GO);
      if (report?.outcome !== 'ok') throw new Error(`No baseline: ${JSON.stringify(report)}`);
      return account;
    },
    poll: (id) => pollAccount(deps, id, 'manual', GO),
    async messages() {
      const all: MessageView[] = [];
      let after: string | null = null;
      do {
        const page: Awaited<ReturnType<typeof deps.store.messages>> = await deps.store.messages(
          {},
          { after, limit: 200 },
        );
        all.push(...page.data);
        after = page.next;
      } while (after !== null);
      return all.reverse();
    },
    async reopen() {
      await embedded.close();
      embedded = await openEmbedded({ folder, clock });
      deps = depsOf();
    },
    async [Symbol.asyncDispose]() {
      await pool.close();
      await embedded.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function newAccount(deps: PollDeps, given: Parameters<PollWorld['add']>[0]): Promise<Account> {
  const settings: AccountSettings = {
    name: given.username,
    host: '127.0.0.1',
    security: 'none',
    mailboxes: given.protocol === 'imap' ? ['INBOX'] : [],
    intervalSeconds: 60,
    start: { kind: 'now' },
    onDelivered: { kind: 'none' },
    onFailed: { kind: 'none' },
    deleteAfterDays: null,
    maxSizeBytes: 50_000_000,
    caPem: null,
    tlsAllowInvalidCertificate: false,
    ...given,
  };
  const id = accountIdOf(settings);
  return {
    ...settings,
    id,
    loginId: id,
    auth: 'password',
    credential: await deps.vault.seal('mailbox-credential', id, Buffer.from(PASSWORD)),
    state: 'active',
    reason: null,
    held: 0,
    notBefore: null,
    consecutiveFailures: 0,
    transitions: 0,
    lastPollAt: null,
    lastSuccessAt: null,
    lastError: null,
    createdAt: deps.clock.now().toISOString(),
  };
}

/** A webhook that selects all accounts, in the store only. */
export async function addWebhook(world: PollWorld, events: readonly string[] = ['message.*']) {
  const id = webhookIdOf(new Uint8Array(10).fill(9));
  const sealed = await world.deps.vault.seal(
    'webhook-secret',
    id,
    Buffer.from('whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8='),
  );
  await world.deps.store.createWebhook({
    id,
    name: 'hook',
    url: 'http://127.0.0.1:9/',
    accounts: null,
    events,
    timeoutSeconds: 15,
    secrets: [{ sealed, expiresAt: null }],
    attachments: 'link',
    headers: null,
    headerNames: [],
    state: 'enabled',
    reason: null,
    gate: null,
    lastSuccessAt: null,
    createdAt: world.clock.now().toISOString(),
  });
  return id;
}

/** A small mail with a Message-ID made of its number. */
export function smallMail(number: number | string, lines = 1): Buffer {
  return Buffer.from(
    `From: a@example.com\r\nTo: b@example.com\r\nSubject: mail ${number}\r\nMessage-ID: <${number}@example.com>\r\nDate: Wed, 25 Nov 2026 08:00:00 +0000\r\n\r\n${'line\r\n'.repeat(lines)}`,
  );
}
