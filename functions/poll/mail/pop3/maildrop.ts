import { createHash } from 'node:crypto';
import { MailError } from '../../../../shared/ports/mail-source.ts';
import { oneLine } from './connection-failure.ts';

/** RFC 1939 section 7 allows 70 characters; servers exceed it. */
const MAX_UIDL_LENGTH = 512;
/** Number, blanks, then all that can be seen, blanks inside it included: what varies must not be cut off. */
const UIDL_LINE = /^[ \t]*(\d{1,9})[ \t]+([!-~\x80-\xff](?:[ -~\x80-\xff]*[!-~\x80-\xff])?)[ \t]*$/;

interface Entry {
  readonly number: number;
  readonly uidl: string;
}

/** Where a UIDL stands in this session. `many`: several messages share it, so it says of none which one it is. */
type Place =
  | { readonly kind: 'one'; readonly number: number; readonly sizeBytes: number | null }
  | { readonly kind: 'many'; readonly number: number; readonly sizeBytes: number | null }
  | { readonly kind: 'none' };

/** The maildrop as this session sees it: message numbers, UIDLs and sizes do not change until its end (RFC 1939 section 5). */
export class Maildrop {
  /** How many messages there are. */
  readonly count: number;
  /** Hex SHA-256 over the UIDLs in wire order, each ended by CRLF. */
  readonly hash: string;
  readonly #entries: readonly Entry[];
  #sizes: ReadonlyMap<number, number | null> = new Map();
  #places: Map<string, { number: number; shared: boolean }> | null = null;

  constructor(entries: readonly Entry[]) {
    this.count = entries.length;
    this.#entries = entries;
    const hash = createHash('sha256');
    hash.update(entries.map((entry) => `${entry.uidl}\r\n`).join(''), 'latin1');
    this.hash = hash.digest('hex');
  }

  /** Adds the sizes of LIST, by message number. */
  setSizes(sizes: ReadonlyMap<number, number | null>): void {
    this.#sizes = sizes;
  }

  /** Each UIDL once, in wire order: of messages that share one (RFC 1939 section 7 allows it to the same content) the first. */
  *unique(): Generator<{ readonly uidl: string; readonly sizeBytes: number | null }> {
    const places = this.#index();
    for (const { number, uidl } of this.#entries) {
      if (places.get(uidl)?.number === number) yield { uidl, sizeBytes: this.#sizes.get(number) ?? null };
    }
  }

  find(uidl: string): Place {
    const place = this.#index().get(uidl);
    if (place === undefined) return { kind: 'none' };
    const sizeBytes = this.#sizes.get(place.number) ?? null;
    return { kind: place.shared ? 'many' : 'one', number: place.number, sizeBytes };
  }

  /** The numbers of all messages but these, ascending. */
  without(numbers: ReadonlySet<number>): number[] {
    return this.#entries.map(({ number }) => number).filter((number) => !numbers.has(number));
  }

  /** Made when first needed: an unchanged listing of 100,000 messages never needs it. */
  #index(): Map<string, { number: number; shared: boolean }> {
    if (this.#places !== null) return this.#places;
    const places = new Map<string, { number: number; shared: boolean }>();
    for (const { number, uidl } of this.#entries) {
      const place = places.get(uidl);
      if (place === undefined) places.set(uidl, { number, shared: false });
      else place.shared = true;
    }
    this.#places = places;
    return places;
  }
}

/** The number of messages that STAT's +OK states. Throws MailError. */
export function parseStat(text: string, peer: string): number {
  const count = /^\s*(\d{1,9})\b/.exec(text)?.[1];
  if (count === undefined) throw broken(peer, 'STAT', `"${text}" states no number of messages`);
  return Number(count);
}

/**
 * Reads UIDL's body, decoded as ISO 8859-1: number, blanks, UIDL, perhaps blanks. It counts as a whole or not at all:
 * as many lines as STAT has messages, numbers from 1 to that, each once. Throws MailError.
 */
export function parseUidls(body: string, count: number, peer: string): Maildrop {
  const entries: Entry[] = [];
  const seen = new Uint8Array(count + 1);
  for (const line of linesOf(body)) {
    const [, digits, uidl] = UIDL_LINE.exec(line) ?? [];
    if (digits === undefined || uidl === undefined || uidl.length > MAX_UIDL_LENGTH) {
      throw broken(peer, 'UIDL', `"${oneLine(line)}" is no number with a UIDL`);
    }
    const number = Number(digits);
    if (number < 1 || number > count || seen[number] === 1) {
      throw broken(peer, 'UIDL', `"${oneLine(line)}" is not one of ${count} messages, or listed twice`);
    }
    seen[number] = 1;
    entries.push({ number, uidl });
  }
  if (entries.length !== count) {
    throw broken(peer, 'UIDL', `it lists ${entries.length} messages where STAT counts ${count}`);
  }
  return new Maildrop(entries);
}

/**
 * Reads LIST's body: number, blanks, size, perhaps more (RFC 1939 section 5). A size below zero is an unknown one, null:
 * GreenMail states -1 for a message with an empty body. Throws MailError.
 */
export function parseSizes(body: string, count: number, peer: string): Map<number, number | null> {
  const sizes = new Map<number, number | null>();
  for (const line of linesOf(body)) {
    const [, digits, size] = /^[ \t]*(\d{1,9})[ \t]+(-?\d{1,15})(?:[ \t].*)?$/.exec(line) ?? [];
    const number = Number(digits ?? Number.NaN);
    if (size === undefined || number < 1 || number > count || sizes.has(number)) {
      throw broken(peer, 'LIST', `"${oneLine(line)}" is no size of one of ${count} messages`);
    }
    sizes.set(number, size.startsWith('-') ? null : Number(size));
  }
  if (sizes.size !== count) {
    throw broken(peer, 'LIST', `it lists ${sizes.size} messages where STAT counts ${count}`);
  }
  return sizes;
}

function linesOf(body: string): string[] {
  const lines = body.split('\r\n');
  // Every line ends with CRLF, so what follows the last one is nothing.
  lines.pop();
  return lines;
}

function broken(peer: string, command: string, what: string): MailError {
  return new MailError('protocol', `Cannot use the reply to ${command} from "${peer}": ${what}`);
}
