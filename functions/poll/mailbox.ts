import type { Cursor, Listed, Listing } from '../../shared/ports/mail-source.ts';
import type { Gap, Progress, Settlement } from '../../shared/ports/store.ts';
import { baselineCursor } from './baseline.ts';
import { type AfterBatch, type Ingested, ingest } from './commit.ts';
import { FencedError, type PollDeps, type PollSession } from './deps.ts';
import { mailboxOf, openedGaps, placeOf, retriedGaps, type Waiting, waitingIn } from './gaps.ts';
import { surveyImap } from './imap-mailbox.ts';
import { surveyPop3 } from './pop3-maildrop.ts';
import { guardFlood } from './reconcile.ts';
import type { Survey } from './survey.ts';

/** The cursor is saved on the way once so many more messages are committed, so that a long catch-up is not listed anew. */
const SAVE_EVERY = 500;

/** How the poll of one mailbox went. */
export interface MailboxPoll {
  readonly listed: number;
  readonly fresh: number;
  readonly committed: number;
  /** Whether the time was up before all was fetched. */
  readonly more: boolean;
  /** The cursor as it is saved now. */
  readonly cursor: Cursor;
}

/** What is remembered of a mailbox: `gaps` and `settlements` are the account's, as `pollState` gives them. */
interface Remembered {
  readonly cursor: Cursor | null;
  readonly gaps: readonly Gap[];
  readonly settlements: readonly Settlement[];
}

/** Polls one mailbox: list, fetch, parse, commit, then the cursor; and tries its gaps again. `mailbox` is empty for POP3. */
export async function pollMailbox(
  deps: PollDeps,
  session: PollSession,
  mailbox: string,
  remembered: Remembered,
): Promise<MailboxPoll> {
  const cursor = remembered.cursor ?? (await firstCursor(deps, session, mailbox));
  const listing = await session.source.list(mailbox, cursor);
  const gaps = remembered.gaps.filter(({ item }) => mailboxOf(item.source) === mailbox);
  const waiting = () => waitingIn(deps, session.account.id, remembered.gaps, mailbox);
  const survey = await surveyOf(deps, session, { ...remembered, cursor, gaps, waiting }, listing);
  if (survey.reset) {
    guardFlood(survey.fresh.length, listing.exists, session);
    // Before the cursor is saved: a crash raises it again, under the same id, rather than never.
    await session.raise({
      type: 'mailbox.reset',
      mailbox,
      unknown: survey.fresh.length,
      occasion: occasionOf(cursor, listing.next),
    });
  }
  const { fresh, voided } = survey;
  const ingested = await ingestFresh(deps, session, survey);
  const more = ingested.done.length < fresh.length;
  const failed = ingested.failed.map(({ item }) => item);
  const next = more ? survey.partial(ingested.done) : await survey.complete(failed);
  await save(deps, session, {
    cursor: next,
    opened: openedGaps(ingested.failed, deps.clock.now()),
    rescheduled: [],
    // Until all is fetched continuity breaks anew in each session, which has to know what waited before the first of them.
    closed: more ? [] : closedVoid(voided, failed),
  });
  const lost = new Set(voided.map(({ key }) => key));
  const retried = await retryGaps(
    deps,
    session,
    gaps.filter(({ key }) => !lost.has(key)),
  );
  return {
    listed: survey.listed,
    fresh: fresh.length,
    committed: ingested.committed + retried,
    more,
    cursor: next ?? ingested.saved ?? cursor,
  };
}

/**
 * Ingests what is new, and saves progress on the way; also when the session breaks: a message that broke it is a gap from
 * then on, and not the first one to be asked for at the next poll.
 */
async function ingestFresh(
  deps: PollDeps,
  session: PollSession,
  survey: Survey,
): Promise<Ingested & { readonly saved: Cursor | null }> {
  let saved: Cursor | null = null;
  let seen: Parameters<AfterBatch> = [[], []];
  let savedAt = 0;
  const saveSeen = async () => {
    const [done, failed] = seen;
    const cursor = survey.partial(done);
    await save(deps, session, {
      ...NOTHING,
      cursor,
      opened: openedGaps(failed, deps.clock.now()),
    });
    saved = cursor ?? saved;
    savedAt = done.length;
  };
  try {
    const ingested = await ingest(deps, session, survey.fresh, async (done, failed) => {
      seen = [done, failed];
      if (done.length - savedAt >= SAVE_EVERY) await saveSeen();
    });
    return { ...ingested, saved };
  } catch (failure) {
    await saveSeen();
    throw failure;
  }
}

/** A message that has just failed under the place of an old gap takes the gap over. */
function closedVoid(voided: readonly Waiting[], failed: readonly Listed[]): Progress['closed'] {
  const taken = new Set(failed.map(({ source }) => placeOf(source)));
  return voided
    .filter(({ item }) => !taken.has(placeOf(item.source)))
    .map(({ key }) => ({ key, as: 'void' }));
}

/** The same as long as the reset is, however often the poll meets it. */
function occasionOf(before: Cursor, after: Cursor): string {
  if (after.protocol === 'pop3') return after.listingHash ?? '';
  const mark = (cursor: Cursor) =>
    cursor.protocol === 'imap' ? `${cursor.uidValidity}/${cursor.mailboxId}` : '';
  return `${mark(before)} to ${mark(after)}`;
}

/** The first login of an account that was added without a test takes the baseline. */
async function firstCursor(deps: PollDeps, session: PollSession, mailbox: string): Promise<Cursor> {
  const listing = await session.source.list(mailbox, null);
  const cursor = await baselineCursor(deps, session, listing, session.account.start);
  await save(deps, session, { ...NOTHING, cursor });
  return cursor;
}

async function surveyOf(
  deps: PollDeps,
  session: PollSession,
  {
    cursor,
    ...remembered
  }: Remembered & {
    readonly cursor: Cursor;
    waiting(): Promise<readonly Waiting[]>;
  },
  listing: Listing,
): Promise<Survey> {
  return cursor.protocol === 'imap'
    ? await surveyImap(deps, session, { ...remembered, cursor }, listing)
    : await surveyPop3(deps, session, { ...remembered, cursor }, listing);
}

/** Tries the gaps that are due again; how many became events. A try that breaks the session counts like any other. */
async function retryGaps(deps: PollDeps, session: PollSession, gaps: readonly Gap[]): Promise<number> {
  const due = gaps.filter(({ dueAt }) => dueAt <= deps.clock.now());
  if (due.length === 0 || !session.goOn()) return 0;
  let seen: Parameters<AfterBatch> = [[], []];
  const items = due.map(({ item }) => item);
  try {
    const { committed } = await ingest(deps, session, items, async (...batch) => {
      seen = batch;
    });
    return committed;
  } finally {
    const [done, failed] = seen;
    await save(deps, session, { ...NOTHING, ...(await retriedGaps(deps, session, due, { done, failed })) });
  }
}

const NOTHING: Progress = { cursor: null, opened: [], rescheduled: [], closed: [] };

/** Saves progress under the lease; writes nothing when there is none. */
export async function save(deps: PollDeps, session: PollSession, progress: Progress): Promise<void> {
  const { cursor, opened, rescheduled, closed } = progress;
  if (cursor === null && opened.length + rescheduled.length + closed.length === 0) return;
  const answer = await deps.store.saveProgress(session.fence, progress, deps.clock.now());
  if (answer === 'fenced') throw new FencedError('Another poll holds the lease');
}
