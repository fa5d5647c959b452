import type { Address } from '../../../shared/event.ts';
import { takeWithin } from './bounds.ts';
import { decodeWords } from './encoded-words.ts';
import { unfoldedText } from './header-text.ts';
import type { HeaderField } from './headers.ts';
import { MAX_ADDRESS_CHARS, MAX_ADDRESSES } from './limits.ts';
import { readMailboxes } from './mailboxes.ts';
import { cutText, oneLine } from './text.ts';

/** The addresses of one kind of field. */
interface AddressList {
  readonly addresses: readonly Address[];
  /** Whether some were left out or cut. */
  readonly truncated: boolean;
}

/**
 * One plain mailbox and the comma behind it: an address with a name in quotes, in words or in encoded words, or alone.
 * Nothing in it can mean anything else, and no part can be matched in two ways.
 */
const PLAIN_MAILBOX =
  /\s*(?:(?:"([^"\\]*)"|([\w'&+-]+(?: [\w'&+-]+)*)|(=\?[\w-]+\?[BbQq]\?[^?\s]*\?=(?: =\?[\w-]+\?[BbQq]\?[^?\s]*\?=)*)) ?<([\w.+=-]+@[\w.-]+)>|([\w.+=-]+@[\w.-]+))\s*(?:,|$)/y;

/**
 * Reads address fields (RFC 5322 section 3.4) in order: groups are replaced by their members, names are decoded, and
 * an entry with neither name nor address (`<>`) is none. Domains stay as written.
 */
export function readAddresses(fields: readonly HeaderField[]): AddressList {
  const found: Address[] = [];
  let truncated = false;
  for (const field of fields) {
    const text = unfoldedText(field);
    const parsed = plainMailboxes(text) ?? readMailboxes(text);
    // The last address of a field that was cut is likely half of one, which would be another address.
    for (const entry of field.truncated ? parsed.slice(0, -1) : parsed) {
      const bounded = boundedAddress(entry);
      truncated ||= bounded !== entry;
      if (bounded.name !== null || bounded.address !== null) found.push(bounded);
    }
    truncated ||= field.truncated;
  }
  const addresses = takeWithin(found, MAX_ADDRESSES, addressChars);
  return { addresses, truncated: truncated || addresses.length < found.length };
}

/** The mailboxes of a field that holds plain ones only, which is nearly every field; null of any other. */
function plainMailboxes(text: string): Address[] | null {
  const found: Address[] = [];
  PLAIN_MAILBOX.lastIndex = 0;
  for (let at = 0; at < text.length; at = PLAIN_MAILBOX.lastIndex) {
    const match = PLAIN_MAILBOX.exec(text);
    if (match === null) return null;
    const [, quoted, words, encoded, named, bare] = match;
    const name = quoted ?? words ?? encoded ?? '';
    const decoded = name.includes('=?') ? decodeWords(name) : name;
    found.push({ name: textOrNull(decoded), address: named ?? bare ?? null });
  }
  return found;
}

/** A name may be shortened; half of an address would be another one. */
function boundedAddress(entry: Address): Address {
  const nameFits = entry.name === null || entry.name.length <= MAX_ADDRESS_CHARS;
  const addressFits = entry.address === null || entry.address.length <= MAX_ADDRESS_CHARS;
  if (nameFits && addressFits) return entry;
  const name = entry.name === null ? null : cutText(entry.name, MAX_ADDRESS_CHARS);
  return { name, address: addressFits ? entry.address : null };
}

function addressChars({ name, address }: Address): number {
  return (name?.length ?? 0) + (address?.length ?? 0);
}

function textOrNull(text: string | undefined): string | null {
  return oneLine(text ?? '') || null;
}
