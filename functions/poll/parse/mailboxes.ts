import type { Address } from '../../../shared/event.ts';
import { type AddressEntry, addressEntries } from './address-entries.ts';
import { decodeWords } from './encoded-words.ts';
import { MAX_ADDRESS_CHARS } from './limits.ts';
import { oneLine } from './text.ts';

const ENCODED_WORD = /^=\?[^?\s]+\?[BbQq]\?/;

/**
 * Reads the mailboxes of an address field (RFC 5322 section 3.4) as mailers write them, in linear time: groups are replaced
 * by their members, a comment is the name where there is no other, source routes and `mailto:` go. Quotes, brackets and
 * comments may be open, separators missing, commas unquoted in a name. Names are decoded after the field was taken apart, so
 * that no encoded word can make an address.
 *
 * @param text The field on one line, with its encoded words as they stand.
 */
export function readMailboxes(text: string): Address[] {
  const found: Address[] = [];
  // A name without an address and with a comma behind may be the first half of a name.
  let half: string | null = null;
  for (const entry of addressEntries(text)) {
    const [first, ...more] = mailboxesOf(entry).filter(
      ({ name, address }) => name !== null || address !== null,
    );
    if (first === undefined) continue;
    const name: string | null = half === null ? first.name : joinedName(half, first.name);
    if (first.address === null && entry.hasComma) {
      half = name;
      continue;
    }
    if (half !== null && (first.name === null || entry.angle === null)) {
      found.push({ name: half, address: null }, first, ...more);
    } else {
      found.push({ name, address: first.address }, ...more);
    }
    half = null;
  }
  return half === null ? found : [...found, { name: half, address: null }];
}

function joinedName(half: string, other: string | null): string {
  return other === null ? half : `${half}, ${other}`;
}

function mailboxesOf(entry: AddressEntry): Address[] {
  const words = entry.words.map(({ text }) => text);
  if (entry.angle !== null) return inBrackets(entry.angle, words, entry.comments);
  const whole = wholeAddress(entry);
  if (whole !== null) return [{ name: nameOf(entry.comments), address: whole }];
  const isAddress = entry.words.map(({ text, isQuoted }) => !isQuoted && hasAddress(text));
  const addresses = words.filter((_, at) => isAddress[at]).map(bareAddress);
  const others = words.filter((_, at) => !isAddress[at]);
  if (addresses.length === 0) return [{ name: nameOf(words) ?? nameOf(entry.comments), address: null }];
  // Addresses with nothing but space between them each are one; with words around only the first one is clear.
  if (others.length === 0) return addresses.map((address) => ({ name: nameOf(entry.comments), address }));
  return [{ name: nameOf([...others, ...addresses.slice(1)]), address: addresses[0] ?? null }];
}

/** An address between brackets, with its name around. */
function inBrackets(angle: string, words: readonly string[], comments: readonly string[]): Address[] {
  const address = bareAddress(tight(angle.slice(angle.lastIndexOf('<') + 1)));
  const name = nameOf(words) ?? nameOf(comments);
  const [only] = words;
  // Name and address changed places.
  const isSwapped = !address.includes('@') && words.length === 1 && only !== undefined && hasAddress(only);
  if (isSwapped) return [{ name: nameOf([address]), address: bareAddress(only) }];
  if (address.startsWith('"') || !/\s/.test(address)) return [{ name, address: address || null }];
  const parts = address.split(/\s+/);
  const at = parts.findIndex(hasAddress);
  if (at < 0) return [{ name, address }];
  const rest = parts.filter((_, index) => index !== at);
  return [{ name: nameOf([...words, ...rest]), address: parts[at] ?? null }];
}

/** The address that an entry without brackets is as a whole: spaces around its marks, or a quoted local part. */
function wholeAddress({ words }: AddressEntry): string | null {
  const [first, second] = words;
  if (first === undefined) return null;
  if (first.isQuoted && second !== undefined && words.length === 2 && /^@\S/.test(second.text)) {
    return `"${first.text}"${second.text}`;
  }
  if (words.length < 2 || words.some(({ isQuoted }) => isQuoted)) return null;
  const joined = tight(words.map(({ text }) => text).join(' '));
  return !/\s/.test(joined) && hasAddress(joined) ? bareAddress(joined) : null;
}

/** RFC 5322 section 4.4: white space around the marks of an address is no part of it. */
function tight(text: string): string {
  return text.trim().replace(/ ?([@.]) ?/g, '$1');
}

function hasAddress(text: string): boolean {
  return text.includes('@', 1) && !ENCODED_WORD.test(text);
}

/** Without scheme, source route (RFC 5322 section 4.4) and the brackets of other notations. */
function bareAddress(text: string): string {
  // Too long to be kept; the trimming below would take long over it.
  if (text.length > MAX_ADDRESS_CHARS) return text;
  const plain = text.replace(/^\[?mailto:/i, '').replace(/^@[^:]*:/, '');
  return plain.includes('"') || /@\[/.test(plain) ? plain : plain.replace(/^[[<']+|[\]>']+$/g, '');
}

/** A name out of words, decoded; null when nothing is left. */
function nameOf(words: readonly string[]): string | null {
  return oneLine(decodeWords(words.join(' '))) || null;
}
