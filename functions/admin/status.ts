import { z } from 'zod';
import type { AccountId } from '../../shared/identity.ts';
import type { StoreCounts } from '../../shared/ports/lists.ts';
import { referenceSchema, timeSchema } from './common-schema.ts';
import type { AdminDeps } from './deps.ts';
import { everyItem, findAccount } from './lookup.ts';
import { isProblem, type Problem } from './problem.ts';
import { defineRoute, type Route } from './route.ts';

const MAX_POLLED_ACCOUNTS = 1_000;
/** The tick comes every second or every minute; after that long without one something is wrong. */
const TICK_LATE_MS = 5 * 60_000;

const pollSchema = z.strictObject({
  accounts: z
    .array(referenceSchema)
    .min(1, 'must name an account; leave it out for all')
    .max(MAX_POLLED_ACCOUNTS)
    .optional()
    .meta({ description: 'Ids or names; all accounts when absent' }),
});

const pollReportSchema = z.object({
  name: z.string(),
  outcome: z.enum(['ok', 'busy', 'paused', 'auth_failed', 'error']),
  listed: z.int(),
  new: z.int(),
  committed: z.int(),
  settled: z.int(),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
});

const statusSchema = z.object({
  version: z.string(),
  accounts: z.object({ active: z.int(), paused: z.int(), auth_failed: z.int(), error: z.int() }),
  messages: z.object({
    pending: z.int(),
    oldestPendingSeconds: z.int().nullable(),
    waiting: z.int().meta({ description: 'Could not be fetched yet and are tried again; see the accounts' }),
    oldestWaitingSeconds: z.int().nullable(),
  }),
  deliveries: z.object({
    pending: z.int(),
    parked: z.int(),
    delivered: z.int(),
    skipped: z.int(),
    exhausted: z.int(),
    rejected: z.int(),
    cancelled: z.int(),
  }),
  lastTickAt: timeSchema.nullable(),
  warnings: z.array(z.object({ code: z.string(), message: z.string() })),
});

/** `/v1/poll` and `/v1/status`. */
export const statusRoutes: readonly Route[] = [
  defineRoute(
    {
      method: 'post',
      path: '/v1/poll',
      summary: 'Polls now, whatever the schedule says, and answers when the polls have ended',
      body: { name: 'Poll', schema: pollSchema, optional: true },
      answer: { name: 'PollReports', schema: z.object({ accounts: z.array(pollReportSchema) }) },
      refusals: [400, 404],
    },
    async (deps, { body }) => {
      const ids = await accountsToPoll(deps, body.accounts ?? null);
      if ('kind' in ids) return ids;
      const reports = await deps.operations.poll(ids);
      return { accounts: reports.map((report) => ({ ...report })) };
    },
  ),
  defineRoute(
    {
      method: 'get',
      path: '/v1/status',
      summary: 'How many of what there are, and what a person should look at',
      answer: { name: 'Status', schema: statusSchema },
      refusals: [],
    },
    async ({ store, clock, version }) => {
      const counts = await store.counts();
      const now = clock.now();
      const { lastTickAt } = counts;
      return {
        version,
        accounts: { ...counts.accounts },
        messages: {
          pending: counts.pendingMessages,
          oldestPendingSeconds: secondsSince(counts.oldestPendingAt, now),
          waiting: counts.waitingMessages,
          oldestWaitingSeconds: secondsSince(counts.oldestWaitingAt, now),
        },
        deliveries: { ...counts.deliveries },
        lastTickAt: lastTickAt === null ? null : lastTickAt.toISOString(),
        warnings: warningsOf(counts, now),
      };
    },
  ),
];

async function accountsToPoll(
  deps: AdminDeps,
  references: readonly string[] | null,
): Promise<readonly AccountId[] | Problem> {
  const ids = new Set<AccountId>();
  if (references === null) {
    for await (const account of everyItem((page) => deps.store.accounts(page))) ids.add(account.id);
    return [...ids];
  }
  for (const reference of references) {
    const account = await findAccount(deps, reference);
    if (isProblem(account)) return account;
    ids.add(account.id);
  }
  return [...ids];
}

function secondsSince(from: Date | null, to: Date): number | null {
  return from === null ? null : Math.max(0, Math.floor((to.getTime() - from.getTime()) / 1_000));
}

interface Warning {
  readonly code: string;
  readonly message: string;
}

function warningsOf(counts: StoreCounts, now: Date): Warning[] {
  const { accounts, deliveries, accountsWithoutWebhook, waitingMessages, lastTickAt } = counts;
  const warnings: (Warning | null)[] = [
    warning('accounts-without-webhook', accountsWithoutWebhook, [
      'active account has no enabled webhook: its mail is ignored',
      'active accounts have no enabled webhook: their mail is ignored',
    ]),
    warning('accounts-auth-failed', accounts.auth_failed, [
      'account is refused by its server: see accounts list, and update the password',
      'accounts are refused by their servers: see accounts list, and update the passwords',
    ]),
    warning('accounts-in-error', accounts.error, [
      'account cannot be polled: see accounts list',
      'accounts cannot be polled: see accounts list',
    ]),
    warning('messages-waiting', waitingMessages, [
      'message could not be fetched yet and is tried again: see accounts show',
      'messages could not be fetched yet and are tried again: see accounts show',
    ]),
    warning('deliveries-parked', deliveries.parked, [
      'delivery waits for a webhook that takes none now: see webhooks list',
      'deliveries wait for a webhook that takes none now: see webhooks list',
    ]),
    warning('deliveries-exhausted', deliveries.exhausted, [
      'delivery was given up on: replay it once the receiver works',
      'deliveries were given up on: replay them once the receiver works',
    ]),
  ];
  if (lastTickAt !== null && now.getTime() - lastTickAt.getTime() > TICK_LATE_MS) {
    warnings.push({ code: 'tick-late', message: `The schedule last ran at ${lastTickAt.toISOString()}` });
  }
  return warnings.filter((entry) => entry !== null);
}

function warning(
  code: string,
  count: number,
  [one, many]: readonly [one: string, many: string],
): Warning | null {
  return count > 0 ? { code, message: `${count} ${count === 1 ? one : many}` } : null;
}
