import type { Egress } from '../../../../shared/egress/egress.ts';
import {
  type Cursor,
  type Listed,
  type Listing,
  MailError,
  type MailLogin,
  type MailSource,
  type OpenMailSource,
} from '../../../../shared/ports/mail-source.ts';
import { openConnection, peerOf } from './connection.ts';
import { deleteMessages } from './delete-messages.ts';
import { POP3_LIMITS, type Pop3Limits } from './limits.ts';
import { addSizes, listMaildrop } from './list-maildrop.ts';
import { checkCredentials, logIn, secretsOf } from './login.ts';
import type { Maildrop } from './maildrop.ts';
import { Pop3Session } from './pop3-session.ts';
import { fetchHeads, fetchMessages } from './retrieve.ts';

/**
 * POP3 behind `MailSource`: one session, opened with the login done. One call at a time; a `fetch` that is left early
 * has its remaining replies read and thrown away by the next call. After a failure every call throws it again, and
 * `close('commit')` answers `unknown`.
 */
export function openPop3Source(egress: Egress, limits: Pop3Limits = POP3_LIMITS): OpenMailSource {
  return async (login, signal) => pop3Source(await openSession(login, egress, limits, signal));
}

async function openSession(
  login: MailLogin,
  egress: Egress,
  limits: Pop3Limits,
  signal: AbortSignal,
): Promise<Pop3Session> {
  const peer = peerOf(login);
  const stopped = () => new MailError('network', `Cannot go on with "${peer}": the session was stopped`);
  if (signal.aborted) throw stopped();
  checkCredentials(login);
  const connection = await openConnection(login, egress, limits, signal).catch((error) => {
    throw signal.aborted ? stopped() : error;
  });
  const overall = setTimeout(() => {
    const seconds = limits.sessionTimeoutMs / 1_000;
    session.fail(new MailError('network', `Cannot go on with "${peer}": the session took ${seconds} s`));
  }, limits.sessionTimeoutMs);
  const abort = () => session.fail(stopped());
  const release = () => {
    clearTimeout(overall);
    signal.removeEventListener('abort', abort);
  };
  const encrypted = login.security === 'tls';
  const session = new Pop3Session(connection, limits, encrypted, secretsOf(login), release);
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  try {
    await logIn(session, connection, login, signal);
    return session;
  } catch (error) {
    session.fail(error instanceof MailError ? error : stopped());
    throw signal.aborted ? stopped() : error;
  }
}

function pop3Source(session: Pop3Session): MailSource {
  let listed: Promise<Maildrop> | null = null;
  let sized = false;
  let closed: Promise<'ok' | 'unknown'> | null = null;
  const deleted = new Set<string>();
  // The numbers hold for the whole session, so one listing serves all its calls.
  const maildrop = () => (listed ??= listMaildrop(session));

  return {
    list: async (_mailbox, cursor) => {
      const drop = await orFail(session, maildrop);
      const next = nextCursor(drop, cursor);
      if (cursor?.protocol === 'pop3' && cursor.listingHash === drop.hash) {
        return { continuity: 'same', items: [], exists: drop.count, next };
      }
      if (!sized) await orFail(session, () => addSizes(session, drop));
      sized = true;
      const items = [...drop.unique()].filter(({ uidl }) => !deleted.has(uidl)).map(listedItem);
      return { continuity: 'same', items, exists: drop.count, next };
    },
    fetch: async function* (items, fetchLimits) {
      yield* fetchMessages(session, await orFail(session, maildrop), items, fetchLimits);
    },
    heads: async function* (items) {
      yield* fetchHeads(session, await orFail(session, maildrop), items);
    },
    settle: async (actions) => deleteMessages(session, await orFail(session, maildrop), actions, deleted),
    close: (how) => {
      closed ??= how === 'commit' ? commit(session) : abandon(session);
      return closed;
    },
  };
}

/** A listing that cannot be used leaves everything in doubt, so the session ends with it and no QUIT commits anything. */
async function orFail<T>(session: Pop3Session, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof MailError) session.fail(error);
    throw error;
  }
}

async function commit(session: Pop3Session): Promise<'ok' | 'unknown'> {
  try {
    return (await session.quit()) ? 'ok' : 'unknown';
  } catch (error) {
    if (error instanceof MailError) return 'unknown';
    throw error;
  }
}

async function abandon(session: Pop3Session): Promise<'unknown'> {
  session.fail(new MailError('network', `Cannot go on with "${session.peer}": the session was ended`));
  return 'unknown';
}

function nextCursor(drop: Maildrop, cursor: Cursor | null): Listing['next'] {
  const known = cursor?.protocol === 'pop3' ? cursor : null;
  return {
    protocol: 'pop3',
    mailbox: '',
    listingHash: drop.hash,
    listedCount: drop.count,
    base: known?.base ?? null,
    backfill: known?.backfill ?? null,
  };
}

function listedItem({ uidl, sizeBytes }: { uidl: string; sizeBytes: number | null }): Listed {
  return {
    source: { protocol: 'pop3', uidl },
    sizeBytes,
    internalDate: null,
    flags: [],
    labels: [],
    backfill: false,
  };
}
