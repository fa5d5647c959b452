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
interface Settled {
  readonly progress: Pick<Progress, 'closed' | 'rescheduled'>;
  readonly done: number;
  /** What this session deletes from a POP3 maildrop: it counts once the server has confirmed the end of the session. */
  readonly deleting: readonly Settlement[];
}

/** Of a session that settles nothing. */
export const NOTHING_SETTLED: Settled = { progress: { closed: [], rescheduled: [] }, done: 0, deleting: [] };

/** A deletion is final at QUIT (RFC 1939 section 6), and the server did not confirm that. */
const UNCONFIRMED =
  'The server did not confirm the end of the session (QUIT), so the message may or may not be deleted';
const UNWANTED = 'The account asks for something else by now';
const OTHER_LOGIN = 'The account has another login by now, under which the message is not known';

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
    if (from === null) closed.push({ key: one.key, as: 'void', reason: isSame ? UNWANTED : OTHER_LOGIN });
    else if (from <= now) wanted.push(one);
    else rescheduled.push({ key: one.key, dueAt: from, error: 'The account keeps messages longer now' });
  }
  if (wanted.length === 0) return { progress: { closed, rescheduled }, done: 0, deleting: [] };
  const results = await session.source.settle(
    wanted.map(({ key, source, action }) => ({ key, source, action })),
  );
  const byKey = new Map(results.map((result) => [result.key, result]));
  const isMarked = ({ key, action, source }: Settlement) =>
    source.protocol === 'pop3' && action.kind === 'delete' && byKey.get(key)?.result === 'done';
  const deleting = wanted.filter(isMarked);
  for (const one of wanted.filter((each) => !isMarked(each))) {
    const result = byKey.get(one.key);
    const reason = result?.reason ?? 'The server gave no answer';
    const ending = endingOf(result);
    if (ending === 'retry') tryAgain(deps, session, one, reason, { closed, rescheduled });
    else closed.push({ key: one.key, as: ending, ...(ending !== 'done' && { reason }) });
    if (ending === 'failed') logFailed(deps, session, one, reason);
  }
  return {
    progress: { closed, rescheduled },
    done: closed.filter(({ as }) => as === 'done').length,
    deleting,
  };
}

/** The same once it is known how the session ended: the deletions are done, or to be tried again, or given up. */
export function confirmed(
  deps: Pick<PollDeps, 'clock' | 'log'>,
  session: Pick<PollSession, 'account'>,
  { progress, done, deleting }: Settled,
  ending: 'ok' | 'unknown',
): Pick<Settled, 'progress' | 'done'> {
  const closed = [...progress.closed];
  const rescheduled = [...progress.rescheduled];
  for (const one of deleting) {
    if (ending === 'ok') closed.push({ key: one.key, as: 'done' });
    else tryAgain(deps, session, one, UNCONFIRMED, { closed, rescheduled });
  }
  return { progress: { closed, rescheduled }, done: ending === 'ok' ? done + deleting.length : done };
}

/** Puts a settlement off that did not work; it has failed when that was the last try. */
function tryAgain(
  deps: Pick<PollDeps, 'clock' | 'log'>,
  session: Pick<PollSession, 'account'>,
  one: Settlement,
  reason: string,
  {
    closed,
    rescheduled,
  }: { closed: Progress['closed'][number][]; rescheduled: Progress['rescheduled'][number][] },
): void {
  const delayMs = SETTLE_DELAYS_MS[one.attempts];
  if (delayMs !== undefined) {
    const dueAt = new Date(deps.clock.now().getTime() + delayMs);
    rescheduled.push({ key: one.key, dueAt, error: reason });
    return;
  }
  closed.push({ key: one.key, as: 'failed', reason });
  logFailed(deps, session, one, reason);
}

function logFailed(
  deps: Pick<PollDeps, 'log'>,
  { account }: Pick<PollSession, 'account'>,
  { eventId, action }: Settlement,
  reason: string,
): void {
  const error = withoutAddresses(reason);
  deps.log.warn('settlement.failed', { account: account.id, id: eventId, action: action.kind, error });
}

/** How a settlement ends by what the server said. */
function endingOf(result: ActionResult | undefined): 'done' | 'failed' | 'void' | 'retry' {
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
      return 'retry';
  }
}
