import type { MessageData } from '../../../shared/event.ts';
import { readAddresses } from './addresses.ts';
import { takeWithin } from './bounds.ts';
import { parseDate } from './date.ts';
import { decodedText } from './header-text.ts';
import type { HeaderField, HeaderSection } from './headers.ts';
import {
  MAX_FIELD_BYTES,
  MAX_HEADER_VALUE_CHARS,
  MAX_HEADERS,
  MAX_ID_CHARS,
  MAX_REFERENCES,
  MAX_SUBJECT_CHARS,
  MAX_UNSUBSCRIBE,
  MAX_URI_CHARS,
} from './limits.ts';
import { readMessageIds } from './message-ids.ts';
import { cutText } from './text.ts';

/** What an event says of the header of its message. */
export interface HeaderFields
  extends Pick<
    MessageData,
    | 'date'
    | 'messageId'
    | 'inReplyTo'
    | 'references'
    | 'from'
    | 'authors'
    | 'sender'
    | 'replyTo'
    | 'to'
    | 'cc'
    | 'bcc'
    | 'subject'
    | 'headers'
    | 'list'
    | 'autoSubmitted'
  > {
  /** The names of the fields that were cut. */
  readonly truncated: readonly string[];
}

/**
 * Reads every header field of an event from a header section. Of a field that may stand once only the first counts,
 * except From, whose authors are all kept; address fields and References add up.
 */
export function readHeaderFields(section: HeaderSection): HeaderFields {
  const byKey = Map.groupBy(section.fields, (field) => field.key);
  const cuts = new Set<string>();
  const all = (key: string, name: string) => {
    const fields = byKey.get(key) ?? [];
    const kept = fields.length > 1 ? withinFieldBytes(fields) : fields;
    if (kept.length < fields.length) cuts.add(name);
    return kept;
  };
  const text = (key: string) => {
    const field = byKey.get(key)?.[0];
    return field === undefined ? null : decodedText(field);
  };
  const addresses = (key: string, name: string) => {
    const list = readAddresses(all(key, name));
    if (list.truncated) cuts.add(name);
    return list.addresses;
  };
  const firstId = (key: string, name: string) => {
    const id = readMessageIds(text(key) ?? '')[0] ?? null;
    if (id === null || id.length <= MAX_ID_CHARS) return id;
    // A part of an id would be another id.
    cuts.add(name);
    return null;
  };
  const authors = addresses('from', 'authors');
  const fields = {
    date: parseDate(text('date') ?? ''),
    messageId: firstId('message-id', 'messageId'),
    inReplyTo: firstId('in-reply-to', 'inReplyTo'),
    references: references(all('references', 'references'), cuts),
    from: authors[0] ?? null,
    authors,
    sender: addresses('sender', 'sender')[0] ?? null,
    replyTo: addresses('reply-to', 'replyTo'),
    to: addresses('to', 'to'),
    cc: addresses('cc', 'cc'),
    bcc: addresses('bcc', 'bcc'),
    subject: subject(text('subject'), cuts),
    headers: headers(section, cuts),
    list: list(text('list-id'), all('list-unsubscribe', 'list'), cuts),
    autoSubmitted: autoSubmitted(text('auto-submitted')),
  };
  return { ...fields, truncated: [...cuts] };
}

/** The first fields of a name, up to `MAX_FIELD_BYTES` together; the one that passes it is still there. */
function withinFieldBytes(fields: readonly HeaderField[]): readonly HeaderField[] {
  let bytes = 0;
  const end = fields.findIndex((field) => {
    bytes += field.value.length;
    return bytes > MAX_FIELD_BYTES;
  });
  return end < 0 ? fields : fields.slice(0, end + 1);
}

function subject(text: string | null, cuts: Set<string>): string | null {
  if (text === null || text === '') return null;
  if (text.length > MAX_SUBJECT_CHARS) cuts.add('subject');
  return cutText(text, MAX_SUBJECT_CHARS);
}

function headers(section: HeaderSection, cuts: Set<string>): MessageData['headers'] {
  const found: { name: string; value: string }[] = [];
  let chars = 0;
  for (const field of section.fields) {
    if (found.length > MAX_HEADERS.count || chars > MAX_HEADERS.bytes) break;
    const value = decodedText(field);
    if (value.length > MAX_HEADER_VALUE_CHARS) cuts.add('headers');
    const kept = cutText(value, MAX_HEADER_VALUE_CHARS);
    found.push({ name: field.name, value: kept });
    chars += kept.length;
  }
  const kept = takeWithin(found, MAX_HEADERS, ({ name, value }) => name.length + value.length);
  if (section.truncated || kept.length < section.fields.length) cuts.add('headers');
  return kept;
}

/** Of too many the first, which names the thread, and the latest of those that were read stay. */
function references(fields: readonly HeaderField[], cuts: Set<string>): readonly string[] {
  const found = fields.flatMap((field) => readMessageIds(decodedText(field)));
  const ids = found.filter((id) => id.length <= MAX_ID_CHARS);
  const [root, ...rest] = ids;
  const kept = root === undefined ? [] : takeWithin([root, ...rest.reverse()], MAX_REFERENCES, lengthOf);
  if (kept.length < found.length || fields.some((field) => field.truncated)) cuts.add('references');
  const [first, ...latest] = kept;
  return first === undefined ? [] : [first, ...latest.reverse()];
}

/** RFC 2919 and RFC 2369. Only links that a mail reader may follow are given: https, http and mailto. */
function list(
  id: string | null,
  unsubscribe: readonly HeaderField[],
  cuts: Set<string>,
): MessageData['list'] {
  if (id === null && unsubscribe.length === 0) return null;
  const uris = unsubscribe
    .flatMap((field) => [...decodedText(field).matchAll(/<([^<>]*)>|([^\s<>,]+)/g)])
    .map(([, bracketed, bare]) => (bracketed ?? bare ?? '').replace(/\s+/g, ''))
    .filter((uri) => /^(?:https?|mailto):/i.test(uri));
  const kept = takeWithin(
    uris.filter((uri) => uri.length <= MAX_URI_CHARS),
    MAX_UNSUBSCRIBE,
    lengthOf,
  );
  const inBrackets = /<([^<>]*)>/.exec(id ?? '')?.[1] ?? id ?? '';
  const plain = inBrackets.replace(/\s+/g, '');
  if (kept.length < uris.length || plain.length > MAX_ID_CHARS) cuts.add('list');
  return { id: cutText(plain, MAX_ID_CHARS) || null, unsubscribe: kept };
}

const lengthOf = (text: string): number => text.length;

/** RFC 3834 section 5: the keyword in lower case, without its parameters. */
function autoSubmitted(text: string | null): string | null {
  return /^[a-z0-9-]{1,100}/.exec(text?.toLowerCase() ?? '')?.[0] ?? null;
}
