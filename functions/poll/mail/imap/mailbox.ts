import type { ImapFlow } from 'imapflow';
import { canonicalMailbox } from '../../../../shared/identity.ts';
import { MailError } from '../../../../shared/ports/mail-source.ts';
import type { Directory } from './directory.ts';
import { quotable } from './server-text.ts';
import type { ImapSession } from './session.ts';

/** A mailbox as it was when it was opened: imapflow changes its own numbers while rows arrive. */
export interface OpenedMailbox {
  /** The name that was asked for, `INBOX` in capitals: what sources and cursors carry. */
  readonly name: string;
  /** The full name on the server. */
  readonly path: string;
  readonly uidValidity: string;
  /** Null when the server does not say. */
  readonly uidNext: number | null;
  readonly exists: number | null;
  readonly mailboxId: string | null;
  /** The flags that can be changed for good (RFC 9051 section 7.1); null when the server does not say, which means all. */
  readonly permanentFlags: ReadonlySet<string> | null;
  /** Whether it was opened with SELECT and the server lets it be changed. */
  readonly writable: boolean;
}

/** EXAMINE leaves \Recent and everything else as it is; only SELECT allows changes. */
type OpenMode = 'examine' | 'select';

/** Opens a mailbox. Null when there is none of that name. Throws MailError. */
export async function openIfThere(
  session: ImapSession,
  directory: Directory,
  asked: string,
  mode: OpenMode,
): Promise<OpenedMailbox | null> {
  const { client, deadlines } = session;
  const path = await directory.resolve(asked);
  if (path === null) return null;
  const doing = `open the mailbox "${quotable(asked, [])}"`;
  const found = await session.run({ doing, timeoutMs: deadlines.commandMs, phase: 'mailbox' }, async () => {
    try {
      takeAsListed(client, path);
      return await client.mailboxOpen(path, { readOnly: mode === 'examine' });
    } catch (error) {
      if (error instanceof Error && 'mailboxMissing' in error && error.mailboxMissing === true) return null;
      throw error;
    }
  });
  if (found === null) return null;
  const { uidValidity, uidNext, exists, mailboxId, permanentFlags, readOnly } = partlyMissing(found);
  if (uidValidity === undefined || uidValidity === 0n) {
    throw new MailError(
      'protocol',
      `Cannot ${doing}: the server gives it no UIDVALIDITY, so its messages cannot be told apart over time`,
    );
  }
  return {
    name: canonicalMailbox(asked),
    path: found.path,
    uidValidity: uidValidity.toString(),
    uidNext: uidNext ?? null,
    exists: exists ?? null,
    mailboxId: mailboxId ?? null,
    permanentFlags: permanentFlags === undefined ? null : new Set(permanentFlags),
    writable: mode === 'select' && readOnly !== true,
  };
}

/** As `openIfThere`, but a mailbox that is not there is an error that names those that are. */
export async function openMailbox(
  session: ImapSession,
  directory: Directory,
  asked: string,
  mode: OpenMode,
): Promise<OpenedMailbox> {
  const opened = await openIfThere(session, directory, asked, mode);
  if (opened !== null) return opened;
  const others = await directory.describe();
  throw new MailError(
    'mailbox',
    `Cannot open the mailbox "${quotable(asked, [])}": it is not there; ${others}`,
  );
}

/**
 * imapflow asks with LIST and LSUB about a mailbox that it opens for the first time, only to show what they say. Its map of
 * those that it knows is in no type; without one it would ask as before.
 */
function takeAsListed(client: ImapFlow, path: string): void {
  if ('folders' in client && client.folders instanceof Map && !client.folders.has(path)) {
    client.folders.set(path, { path });
  }
}

/** imapflow's type promises all numbers; it leaves out what the server does not send. */
function partlyMissing<Box extends object>(box: Box): Partial<Box> {
  return box;
}
