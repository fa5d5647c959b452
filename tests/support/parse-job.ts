import type { ParsedMessage, ParseJob } from '../../functions/poll/parse/types.ts';
import type { Envelope, MessageData } from '../../shared/event.ts';
import type { AccountId, EventId } from '../../shared/identity.ts';
import { readEvent } from './event-schema.ts';

/** A job for the parser around the bytes of a message; a text is taken as UTF-8, with its line ends as they are. */
export function parseJob(message: Buffer | string, changes: Partial<ParseJob> = {}): ParseJob {
  return {
    id: 'msg_mrn7j3b5hkmhn7flhr4knsdsvx' as EventId,
    account: { id: 'acc_gu5xweqhvnooiclr' as AccountId, name: 'ana' },
    source: { protocol: 'imap', mailbox: 'INBOX', uidValidity: '1', uid: 2 },
    backfill: false,
    receivedAt: '2026-11-25T12:00:00.000Z',
    flags: [],
    labels: [],
    bytes: typeof message === 'string' ? Buffer.from(message) : message,
    oversizeBytes: null,
    linkBase: null,
    ...changes,
  };
}

/** A mail of these lines, each ended by CRLF. */
export function mail(...lines: readonly string[]): Buffer {
  return Buffer.from(lines.map((line) => `${line}\r\n`).join(''));
}

/** What a receiver of the event would read; throws when the event is not what docs/schema says. */
export function eventOf(parsed: ParsedMessage): Envelope<MessageData> {
  return readEvent(parsed.event) as Envelope<MessageData>;
}
