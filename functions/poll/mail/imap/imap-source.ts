import type { Egress } from '../../../../shared/egress/egress.ts';
import {
  type ImapCursor,
  MailError,
  type MailLogin,
  type MailSource,
  type OpenMailSource,
} from '../../../../shared/ports/mail-source.ts';
import { connectSession } from './connect.ts';
import { createDirectory, type Directory } from './directory.ts';
import { fetchHeads, fetchMessages } from './fetching.ts';
import { DEFAULT_DEADLINES, type ImapDeadlines } from './limits.ts';
import { listMailbox } from './listing.ts';
import { type OpenedMailbox, openIfThere, openMailbox } from './mailbox.ts';
import { quotable } from './server-text.ts';
import type { ImapSession } from './session.ts';
import { settleActions } from './settling.ts';

/**
 * Opens IMAP sessions (RFC 3501, RFC 9051) with a password.
 *
 * A mailbox may be named by its special use (`\Archive`, `\Junk`, …): sources and cursors carry the name that was asked for.
 */
export function openImapSource(egress: Egress, deadlines: ImapDeadlines = DEFAULT_DEADLINES): OpenMailSource {
  return async (login, signal) => {
    const session = await connectSession(egress, login, deadlines, signal);
    return sourceOf(session, login);
  };
}

function sourceOf(session: ImapSession, login: MailLogin): MailSource {
  const directory = createDirectory(session);
  let listed: OpenedMailbox | null = null;
  const nameOf = new Map<string, string>();
  const reopen = () => selectAgain(session, directory, listed);

  return {
    async list(mailbox, cursor) {
      if (cursor !== null && cursor.protocol !== 'imap') {
        throw new Error(`Cannot list "${mailbox}" over IMAP with a cursor for ${cursor.protocol}`);
      }
      listed = null;
      listed = await openToList(session, directory, mailbox, { cursor, readOnly: login.readOnly });
      refuseSecondName(nameOf, listed);
      return await listMailbox(session, listed, cursor);
    },
    async *fetch(items, limits) {
      if (items.length === 0) return;
      await reopen();
      yield* fetchMessages(session, items, limits);
    },
    async *heads(items) {
      if (items.length === 0) return;
      await reopen();
      yield* fetchHeads(session, items);
    },
    settle: (actions) => settleActions(session, directory, actions),
    close: (how) => session.close(how),
  };
}

/**
 * GNU imap4d, and others that keep mail in mbox files, make up a UIDVALIDITY at every EXAMINE until a SELECT lets them write
 * one down: the baseline's does. So what later looks like another mailbox is opened once more with SELECT before it is believed.
 */
async function openToList(
  session: ImapSession,
  directory: Directory,
  mailbox: string,
  { cursor, readOnly }: { readonly cursor: ImapCursor | null; readonly readOnly: boolean },
): Promise<OpenedMailbox> {
  const opened = await openMailbox(session, directory, mailbox, readOnly ? 'examine' : 'select');
  if (!readOnly || cursor === null || cursor.uidValidity === opened.uidValidity) return opened;
  return await openMailbox(session, directory, mailbox, 'select');
}

/** A message's id is made of its mailbox's name: under two names, a special use being one, it would have two. */
function refuseSecondName(nameOf: Map<string, string>, { name, path }: OpenedMailbox): void {
  const first = nameOf.get(path) ?? name;
  nameOf.set(path, first);
  if (first === name) return;
  const [shown, other] = [name, first].map((one) => `"${quotable(one, [])}"`);
  throw new MailError('mailbox', `Cannot poll the mailbox ${shown}: it is ${other}, which is polled already`);
}

/** Fetches are about the mailbox listed last, which a settlement may have left. */
async function selectAgain(
  session: ImapSession,
  directory: Directory,
  listed: OpenedMailbox | null,
): Promise<void> {
  if (listed === null) throw new Error('Cannot fetch messages: no mailbox was listed');
  const { mailbox } = session.client;
  if (mailbox !== false && mailbox.path === listed.path) return;
  const again = await openIfThere(session, directory, listed.name, listed.writable ? 'select' : 'examine');
  if (again?.uidValidity === listed.uidValidity) return;
  throw new MailError('mailbox', `Cannot fetch messages: the mailbox was replaced after it was listed`);
}
