import { eventIdOf, type Source } from '../../shared/identity.ts';
import type { Listed } from '../../shared/ports/mail-source.ts';
import type { Gap, Progress } from '../../shared/ports/store.ts';
import type { PollDeps, PollSession } from './deps.ts';
import { commitQuarantined } from './operational-event.ts';

/** Waits before the 1st, 2nd, … new try of a message that could not be fetched; after the last one it is quarantined. */
const GAP_DELAYS_MS = [60_000, 300_000, 900_000, 3_600_000, 10_800_000, 21_600_000, 43_200_000];

/** Two sources are one message when their places are. */
export function placeOf(source: Source): string {
  return source.protocol === 'imap' ? `${source.mailbox}\0${source.uidValidity}:${source.uid}` : source.uidl;
}

/** Gaps for messages that failed for the first time. */
export function openedGaps(
  failed: readonly { readonly item: Listed; readonly error: string }[],
  known: ReadonlySet<string>,
  now: Date,
): Progress['opened'] {
  const dueAt = new Date(now.getTime() + (GAP_DELAYS_MS[0] ?? 0));
  return failed
    .filter(({ item }) => !known.has(placeOf(item.source)))
    .map(({ item, error }) => ({ item, dueAt, error }));
}

/** What becomes of the gaps that were tried again; one that failed too often becomes an event of its own and is closed. */
export async function retriedGaps(
  deps: PollDeps,
  session: PollSession,
  tried: readonly Gap[],
  outcome: {
    readonly done: readonly Listed[];
    readonly failed: readonly { readonly item: Listed; readonly error: string }[];
  },
): Promise<Pick<Progress, 'closed' | 'rescheduled'>> {
  const done = new Set(outcome.done.map(({ source }) => placeOf(source)));
  const errors = new Map(outcome.failed.map(({ item, error }) => [placeOf(item.source), error]));
  const closed: Progress['closed'][number][] = [];
  const rescheduled: Progress['rescheduled'][number][] = [];
  for (const gap of tried) {
    const place = placeOf(gap.item.source);
    if (!done.has(place)) continue;
    const error = errors.get(place);
    const delayMs = GAP_DELAYS_MS[gap.attempts + 1];
    if (error === undefined) closed.push({ key: gap.key, as: 'done' });
    else if (delayMs !== undefined) {
      rescheduled.push({ key: gap.key, dueAt: new Date(deps.clock.now().getTime() + delayMs), error });
    } else {
      await commitQuarantined(deps, session, gap, error);
      closed.push({ key: gap.key, as: 'failed' });
      deps.log.warn('message.quarantined', {
        account: session.account.id,
        id: eventIdOf(session.account.loginId, gap.item.source),
      });
    }
  }
  return { closed, rescheduled };
}
