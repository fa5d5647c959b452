import { eventIdOf } from '../../shared/identity.ts';
import type { ActionResult } from '../../shared/ports/mail-source.ts';
import type { Progress, Settlement } from '../../shared/ports/store.ts';
import { wantedFrom } from '../../shared/settlement.ts';
import type { PollDeps, PollSession } from './deps.ts';
import { withoutAddresses } from './without-addresses.ts';

/** Waits before the 2nd, 3rd, … try of a settlement; after the last one it has failed. */
const SETTLE_DELAYS_MS = [
  60_000, 300_000, 1_800_000, 7_200_000, 21_600_000, 43_200_000, 86_400_000, 86_400_000,
];

/** What became of the settlements that were due: to be saved once the session ended well. */
export interface Settled {
  readonly progress: Pick<Progress, 'closed' | 'rescheduled'>;
  readonly done: number;
  /** How many messages this session deletes from the maildrop; they count once the server confirmed it. */
  readonly deleted: number;
}

/** Of a session that settles nothing. */
export const NOTHING_SETTLED: Settled = { progress: { closed: [], rescheduled: [] }, done: 0, deleted: 0 };

/**
 * Does on the server what the ended deliveries call for, once more checked: the owner still wants it, and wants it now, and
 * the message is still the one that was delivered (its id follows from the present login and its place).
 */
export async function settle(
  deps: PollDeps,
  session: PollSession,
  due: readonly Settlement[],
): Promise<Settled> {
  const now = deps.clock.now();
  const closed: Progress['closed'][number][] = [];
  const rescheduled: Progress['rescheduled'][number][] = [];
  const wanted: Settlement[] = [];
  for (const one of due) {
    const isSame = eventIdOf(session.account.loginId, one.source) === one.eventId;
    const from = isSame ? wantedFrom(one, session.account, one.endedAt) : null;
    if (from === null) closed.push({ key: one.key, as: 'void' });
    else if (from <= now) wanted.push(one);
    else rescheduled.push({ key: one.key, dueAt: from, error: 'The account keeps messages longer now' });
  }
  if (wanted.length === 0) return { progress: { closed, rescheduled }, done: 0, deleted: 0 };
  const results = await session.source.settle(
    wanted.map(({ key, source, action }) => ({ key, source, action })),
  );
  const byKey = new Map(results.map((result) => [result.key, result]));
  for (const one of wanted) {
    const result = byKey.get(one.key);
    const ending = endingOf(result, one.attempts);
    if (ending === null) {
      const dueAt = new Date(deps.clock.now().getTime() + (SETTLE_DELAYS_MS[one.attempts] ?? 0));
      rescheduled.push({ key: one.key, dueAt, error: result?.reason ?? 'The server gave no answer' });
    } else closed.push({ key: one.key, as: ending });
    if (ending === 'failed') {
      deps.log.warn('settlement.failed', {
        account: session.account.id,
        id: one.eventId,
        action: one.action.kind,
        error: withoutAddresses(result?.reason ?? 'The server gave no answer'),
      });
    }
  }
  const finished = wanted.filter(({ key }) => byKey.get(key)?.result === 'done');
  return {
    progress: { closed, rescheduled },
    done: closed.filter(({ as }) => as === 'done').length,
    deleted: finished.filter(({ action }) => action.kind === 'delete').length,
  };
}

/** How a settlement ends by what the server said; null when it is to be tried again. */
function endingOf(result: ActionResult | undefined, attempts: number): 'done' | 'failed' | 'void' | null {
  switch (result?.result) {
    case 'done':
    case 'gone':
      return 'done';
    case 'void':
      return 'void';
    case 'refused':
      return 'failed';
    case 'retry':
    case undefined:
      return attempts < SETTLE_DELAYS_MS.length ? null : 'failed';
  }
}
