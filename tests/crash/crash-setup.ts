import { createByteBudget } from '../../functions/poll/byte-budget.ts';
import { openMailSource } from '../../functions/poll/mail/open-mail-source.ts';
import { takeBaseline } from '../../functions/poll/take-baseline.ts';
import type { Account } from '../../shared/account.ts';
import { createEgress } from '../../shared/egress/create-egress.ts';
import type { Embedded } from '../../shared/embedded/open.ts';
import { accountIdOf, webhookIdOf } from '../../shared/identity.ts';
import { systemClock } from '../../shared/ports/clock.ts';
import type { Attachments } from '../../shared/webhook.ts';
import { PASSWORD } from '../support/poll-world.ts';
import { silentLog } from '../support/silent-log.ts';
import { USERNAME } from './crash-mailbox.ts';
import type { WorldOptions } from './crash-world.ts';

/** Signs every request of the crash tests. */
export const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

/** A webhook that takes everything, operational events too. */
export async function addWebhook(
  { store, vault }: Embedded,
  url: string,
  attachments: Attachments = 'link',
): Promise<void> {
  const id = webhookIdOf(new Uint8Array(10).fill(9));
  const sealed = await vault.seal('webhook-secret', id, Buffer.from(SECRET));
  await store.createWebhook({
    id,
    name: 'hook',
    url,
    accounts: null,
    events: ['*'],
    timeoutSeconds: 15,
    secrets: [{ sealed, expiresAt: null }],
    attachments,
    headers: null,
    headerNames: [],
    state: 'enabled',
    reason: null,
    gate: null,
    lastSuccessAt: null,
    createdAt: systemClock.now().toISOString(),
  });
}

/** An account for the mailbox on this port, that counts what is there as known. */
export async function addAccountWithBaseline(
  embedded: Embedded,
  port: number,
  { protocol, onDelivered, intervalSeconds = 86_400 }: WorldOptions,
): Promise<void> {
  const { store, blobs, vault } = embedded;
  const login = { protocol, host: '127.0.0.1', port, username: USERNAME };
  const id = accountIdOf(login);
  const account: Account = {
    ...login,
    id,
    loginId: id,
    name: 'crash',
    security: 'none',
    mailboxes: protocol === 'imap' ? ['INBOX'] : [],
    intervalSeconds,
    start: { kind: 'now' },
    onDelivered,
    onFailed: { kind: 'none' },
    deleteAfterDays: null,
    maxSizeBytes: 50_000_000,
    caPem: null,
    tlsAllowInvalidCertificate: false,
    auth: 'password',
    credential: await vault.seal('mailbox-credential', id, Buffer.from(PASSWORD)),
    state: 'active',
    reason: null,
    held: 0,
    notBefore: null,
    consecutiveFailures: 0,
    transitions: 0,
    lastPollAt: null,
    lastSuccessAt: null,
    lastError: null,
    createdAt: systemClock.now().toISOString(),
  };
  await store.createAccount(account);
  const deps = {
    store,
    blobs,
    vault,
    queue: { enqueue: async () => undefined },
    openSource: openMailSource(createEgress({ policy: 'private-ok' })),
    parse: async () => [],
    links: null,
    budget: createByteBudget(),
    clock: systemClock,
    log: silentLog,
  };
  const stop = { signal: new AbortController().signal, stopping: () => false };
  const report = await takeBaseline(deps, id, account.start, stop);
  if (report?.outcome !== 'ok') throw new Error(`No baseline: ${JSON.stringify(report)}`);
}
