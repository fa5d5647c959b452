import { MailError } from '../../../../shared/ports/mail-source.ts';
import type { Body } from './byte-reader.ts';
import { Maildrop, parseSizes, parseStat, parseUidls } from './maildrop.ts';
import { type Answer, type Command, lineCommand, type Pop3Session } from './pop3-session.ts';

/**
 * Lists the maildrop by STAT and UIDL (RFC 1939 sections 5 and 7), without sizes. Throws MailError; `protocol` when the
 * two do not fit together, or the server has no UIDL.
 */
export async function listMaildrop(session: Pop3Session): Promise<Maildrop> {
  const commands = [lineCommand('STAT'), listCommand(session, 'UIDL')];
  const answers: Answer[] = [];
  for await (const answer of session.exchange(commands)) answers.push(answer);
  const [stat, uidl] = answers;
  if (!stat || !uidl) throw new Error('STAT or UIDL had no answer');
  if (stat.reply.kind !== 'ok') throw refused(session, stat, 'count the messages of');
  const count = parseStat(stat.reply.text, session.peer);
  if (uidl.body !== null) return parseUidls(wholeText(session, uidl.body), count, session.peer);
  // Some servers refuse to list nothing.
  if (count === 0 && uidl.reply.kind === 'err') return new Maildrop([]);
  throw noUidls(session, uidl);
}

/** Adds the sizes of LIST. A server that refuses it is polled without sizes. Throws MailError. */
export async function addSizes(session: Pop3Session, maildrop: Maildrop): Promise<void> {
  if (maildrop.count === 0) return;
  const { reply, body } = await session.command(listCommand(session, 'LIST'));
  if (reply.kind !== 'ok' || body === null) return;
  maildrop.setSizes(parseSizes(wholeText(session, body), maildrop.count, session.peer));
}

function listCommand(session: Pop3Session, name: 'UIDL' | 'LIST'): Command {
  const body = { keepBytes: session.limits.maxListingBytes, drainBytes: 0 };
  return { line: name, name, body, weightBytes: 64 };
}

function wholeText(session: Pop3Session, body: Body): string {
  // A listing above the cap has ended the session, and that failure says so.
  if (!body.ended && session.failure !== null) throw session.failure;
  return body.bytes.toString('latin1');
}

function noUidls(session: Pop3Session, answer: Answer): MailError {
  const error = refused(session, answer, 'list');
  if (error.code !== 'protocol' || session.capabilities.uidl) return error;
  return new MailError(
    'protocol',
    `Cannot list the maildrop of "${session.peer}": the server has no UIDL ("${answer.reply.text}"), without which its messages cannot be told apart; use IMAP for this account, or ask the provider for UIDL`,
  );
}

function refused(session: Pop3Session, { reply }: Answer, verb: string): MailError {
  const doing = `${verb} the maildrop of "${session.peer}"`;
  if (reply.kind === 'err') return session.refusal(reply, doing, 'command');
  return new MailError('protocol', `Cannot ${doing}: the server sent "${reply.text}" where +OK belongs`);
}
