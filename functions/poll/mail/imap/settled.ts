import type { ActionResult } from '../../../../shared/ports/mail-source.ts';
import { MailError } from '../../../../shared/ports/mail-source.ts';
import type { Directory } from './directory.ts';
import { type OpenedMailbox, openIfThere } from './mailbox.ts';
import { existingUids } from './rows.ts';
import type { ImapSession, Refusal } from './session.ts';
import { uidSet } from './uid-set.ts';

/** How an action ended. */
export type Settled = Pick<ActionResult, 'result' | 'reason'>;

/** How actions ended, by the UID of their message. */
export type SettledByUid = Map<number, Settled>;

/** Actions at work on one mailbox. */
export interface Settling {
  readonly session: ImapSession;
  readonly directory: Directory;
  /** The mailbox of the messages, writable. */
  readonly mailbox: OpenedMailbox;
}

/** It is done, and was seen to be. */
export const DONE: Settled = { result: 'done', reason: null };
/** The message is not there any more. */
export const GONE: Settled = { result: 'gone', reason: null };

/** It did not work this time. */
export function retry(reason: string): Settled {
  return { result: 'retry', reason };
}

/** It will not work as things stand. */
export function refused(reason: string): Settled {
  return { result: 'refused', reason };
}

/** The same end for all. */
export function allOf(uids: readonly number[], settled: Settled): SettledByUid {
  return new Map(uids.map((uid) => [uid, settled]));
}

/** RFC 5530: NOPERM and CANNOT stay as they are; anything else may be better next time. */
export function settledByRefusal({ responseCode, reason }: Refusal): Settled {
  const forGood = ['NOPERM', 'CANNOT', 'READ-ONLY'].includes(responseCode ?? '');
  const said = `the server answered "${reason}"`;
  return forGood ? refused(said) : retry(said);
}

/** Whether the server has an extension: announced, or part of a session that speaks IMAP4rev2 alone (RFC 9051 appendix E). */
export function supports({ client }: ImapSession, extension: 'MOVE' | 'UIDPLUS'): boolean {
  const { capabilities } = client;
  return capabilities.has(extension) || (capabilities.has('IMAP4rev2') && !capabilities.has('IMAP4rev1'));
}

/** Selects the mailbox of the messages again if another one was opened in between. Throws MailError when it was replaced. */
export async function selectSource({ session, directory, mailbox }: Settling): Promise<void> {
  const { mailbox: selected } = session.client;
  if (selected !== false && selected.path === mailbox.path) return;
  const again = await openIfThere(session, directory, mailbox.name, 'select');
  if (again?.uidValidity === mailbox.uidValidity && again.writable) return;
  throw new MailError('mailbox', `Cannot act on messages: the mailbox was replaced meanwhile`);
}

/** The flags, in lower case, of those of the messages that are there. Throws MailError. */
export async function flagsOf(
  { session }: Settling,
  uids: readonly number[],
): Promise<ReadonlyMap<number, ReadonlySet<string>>> {
  const asked = new Set(uids);
  const found = new Map<number, ReadonlySet<string>>();
  if (uids.length === 0) return found;
  const info = { doing: 'read the flags of messages', timeoutMs: session.deadlines.commandMs };
  try {
    await session.fetchRows(info, uidSet(uids), { uid: true, flags: true }, ({ uid, flags }) => {
      if (asked.has(uid)) found.set(uid, new Set([...(flags ?? [])].map((flag) => flag.toLowerCase())));
      return true;
    });
  } catch (error) {
    if (!(error instanceof MailError) || session.hasEnded()) throw error;
    // James says BAD to a FETCH from a mailbox that is empty by now, and answers a SEARCH as it should.
    const existing = await existingUids(session, uids);
    if (existing === null || existing.size > 0) throw error;
  }
  return found;
}
