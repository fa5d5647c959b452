import { type AccountId, eventIdOf, type Source } from '../../shared/identity.ts';
import type { Page } from '../../shared/ports/lists.ts';
import type { Listed } from '../../shared/ports/mail-source.ts';
import { type Gap, MAX_POLL_WORK, type Progress } from '../../shared/ports/store.ts';
import type { PollDeps, PollSession } from './deps.ts';
import { commitQuarantined } from './operational-event.ts';

/** Waits before the 1st, 2nd, … new try of a message that could not be fetched; after the last one it is quarantined. */
const GAP_DELAYS_MS = [60_000, 300_000, 900_000, 3_600_000, 10_800_000, 21_600_000, 43_200_000];

/** Two sources are one message when their places are. */
export function placeOf(source: Source): string {
  return source.protocol === 'imap' ? `${source.mailbox}\0${source.uidValidity}:${source.uid}` : source.uidl;
}

/** What tells of a gap which message waits: kept small, for there may be as many as messages. */
export interface Waiting extends Pick<Gap, 'key'> {
  readonly item: Pick<Listed, 'source' | 'sizeBytes' | 'internalDate'>;
}

/**
 * What waits in a mailbox, for a poll that was given the account's gaps `given`: when these are as many as a poll is given,
 * there may be more, which are read only where it matters what waits at all. `mailbox` is empty for POP3.
 */
export async function waitingIn(
  deps: Pick<PollDeps, 'store'>,
  id: AccountId,
  given: readonly Gap[],
  mailbox: string,
): Promise<readonly Waiting[]> {
  const isHere = ({ item: { source } }: Gap) => mailboxOf(source) === mailbox;
  if (given.length < MAX_POLL_WORK) return given.filter(isHere);
  const all: Waiting[] = [];
  let after: string | null = null;
  do {
    const page: Page<Gap> = await deps.store.gaps(id, { after, limit: MAX_POLL_WORK });
    for (const gap of page.data.filter(isHere)) {
      const { source, sizeBytes, internalDate } = gap.item;
      all.push({ key: gap.key, item: { source, sizeBytes, internalDate } });
    }
    after = page.next;
  } while (after !== null);
  return all;
}

/** The mailbox of a message; empty for POP3. */
export function mailboxOf(source: Source): string {
  return source.protocol === 'imap' ? source.mailbox : '';
}

/** Gaps for messages that failed for the first time. */
export function openedGaps(
  failed: readonly { readonly item: Listed; readonly error: string }[],
  now: Date,
): Progress['opened'] {
  const dueAt = new Date(now.getTime() + (GAP_DELAYS_MS[0] ?? 0));
  return failed.map(({ item, error }) => ({ item, dueAt, error }));
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
