import type { Account } from '../../shared/account.ts';
import { type Cursor, MailError, type MailSource } from '../../shared/ports/mail-source.ts';
import type { Settlement } from '../../shared/ports/store.ts';
import { FencedError, type PollDeps, type PollSession } from './deps.ts';
import { type MailboxPoll, pollMailbox, save } from './mailbox.ts';
import { confirmed, NOTHING_SETTLED, settle } from './settle.ts';

/** A lease that is renewed four times before it would end: a poll whose process dies holds its account up no longer than this. */
export const LEASE_MS = 120_000;

/** So often a gap is looked at whose mailbox is not polled. */
const FOREIGN_GAP_MS = 24 * 3_600_000;

/** How one session went. */
export interface SessionResult {
  readonly listed: number;
  readonly fresh: number;
  readonly committed: number;
  readonly settled: number;
  readonly more: boolean;
  /** A mailbox that could not be opened, though the others were polled. */
  readonly error: MailError | null;
}

/** Does all that an account's server has to be asked or told now: its mailboxes in order, then the settlements. */
export async function runSession(
  deps: PollDeps,
  session: PollSession,
  state: Awaited<ReturnType<PollDeps['store']['pollState']>>,
): Promise<SessionResult> {
  const { account } = session;
  const polls: MailboxPoll[] = [];
  let error: MailError | null = null;
  for (const mailbox of mailboxesOf(account)) {
    const cursor = state.cursors.find((one) => one.mailbox === mailbox) ?? null;
    try {
      polls.push(await pollMailbox(deps, session, mailbox, { ...state, cursor }));
    } catch (failure) {
      // One mailbox that was renamed or removed does not stop the others.
      if (!(failure instanceof MailError) || failure.code !== 'mailbox') throw failure;
      error = failure;
    }
  }
  await putOffForeignGaps(deps, session, state.gaps);
  const settled = await settleAndClose(deps, session, state.settlements, polls.at(-1)?.cursor ?? null);
  if (error !== null && polls.length === 0) throw error;
  const sum = (of: (poll: MailboxPoll) => number) => polls.reduce((total, poll) => total + of(poll), 0);
  return {
    listed: sum((poll) => poll.listed),
    fresh: sum((poll) => poll.fresh),
    committed: sum((poll) => poll.committed),
    settled,
    more: polls.some((poll) => poll.more),
    error,
  };
}

/**
 * Gaps of a mailbox that its owner took out of the account: they wait for the mailbox to come back, and must not make the
 * account due meanwhile.
 */
async function putOffForeignGaps(
  deps: PollDeps,
  session: PollSession,
  gaps: Awaited<ReturnType<PollDeps['store']['pollState']>>['gaps'],
): Promise<void> {
  const { account } = session;
  const now = deps.clock.now();
  const foreign = gaps.filter(
    ({ item: { source }, dueAt }) =>
      source.protocol === 'imap' && !account.mailboxes.includes(source.mailbox) && dueAt <= now,
  );
  const dueAt = new Date(now.getTime() + FOREIGN_GAP_MS);
  const rescheduled = foreign.map(({ key, error }) => ({ key, dueAt, error }));
  await save(deps, session, { cursor: null, opened: [], rescheduled, closed: [] });
}

/** The mailboxes to poll; POP3 has the one maildrop, whose name is empty. */
export function mailboxesOf(account: Account): readonly string[] {
  return account.protocol === 'pop3' ? [''] : account.mailboxes;
}

/**
 * Settles and ends the session. A POP3 deletion counts only when the server said +OK to QUIT (RFC 1939 section 6): when
 * it did not, the settlement is tried again, and a message that is gone by then is done.
 */
async function settleAndClose(
  deps: PollDeps,
  session: PollSession,
  due: readonly Settlement[],
  cursor: Cursor | null,
): Promise<number> {
  // What its owner changed since the lease was taken counts: it may have been ten minutes.
  const account = due.length === 0 ? session.account : await deps.store.account(session.account.id);
  const settled =
    account === null || account.state === 'paused'
      ? NOTHING_SETTLED
      : await settle(deps, { ...session, account }, due);
  const ending = await session.source.close('commit');
  // Also when QUIT was not confirmed: it may have been done, and what we deleted ourselves breaks no continuity.
  const { length: deleted } = settled.deleting;
  const shrunk =
    cursor?.protocol === 'pop3' && deleted > 0
      ? { ...cursor, listedCount: Math.max(0, cursor.listedCount - deleted) }
      : null;
  const { progress, done } = confirmed(deps, session, settled, ending);
  await save(deps, session, { cursor: shrunk, opened: [], ...progress });
  return done;
}

/**
 * Opens a session under the account's lease, keeps the lease while it lasts, and closes the session whatever happens.
 * `signal` ends everything at once; `goOn` is the gentle way (see PollSession).
 */
export async function withSession<Result>(
  deps: PollDeps,
  lease: Pick<PollSession, 'fence' | 'account' | 'raise' | 'goOn'>,
  options: { readonly readOnly: boolean; readonly signal: AbortSignal },
  run: (session: PollSession) => Promise<Result>,
): Promise<Result> {
  const { account, fence } = lease;
  const lost = new AbortController();
  const renewal = setInterval(() => {
    deps.store.renew(fence, deps.clock.now(), LEASE_MS).then(
      (held) => held || lost.abort(),
      // The store is out of reach: the writes of the poll will say so.
      (error: unknown) =>
        deps.log.warn('lease.renewal-failed', { account: account.id, error: String(error) }),
    );
  }, LEASE_MS / 4);
  let source: MailSource | null = null;
  try {
    source = await openAccount(deps, account, {
      ...options,
      signal: AbortSignal.any([options.signal, lost.signal]),
    });
    const result = await run({ ...lease, source });
    await source.close('commit');
    return result;
  } catch (error) {
    await source?.close('abort');
    throw lost.signal.aborted ? new FencedError('Another poll holds the lease') : error;
  } finally {
    clearInterval(renewal);
  }
}

/** Opens the account's credential and logs in. */
export async function openAccount(
  deps: Pick<PollDeps, 'vault' | 'openSource'>,
  account: Account,
  options: { readonly readOnly: boolean; readonly signal: AbortSignal },
): Promise<MailSource> {
  const password = await deps.vault.open('mailbox-credential', account.id, account.credential);
  const { protocol, host, port, security, username, caPem, tlsAllowInvalidCertificate } = account;
  const login = { protocol, host, port, security, username, caPem, tlsAllowInvalidCertificate };
  return await deps.openSource(
    { ...login, password: Buffer.from(password).toString('utf8'), readOnly: options.readOnly },
    options.signal,
  );
}
