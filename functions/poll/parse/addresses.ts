import { parseAddressHeader } from 'mailparser';
import type { Address } from '../../../shared/event.ts';
import { takeWithin } from './bounds.ts';
import { unfoldedText } from './header-text.ts';
import type { HeaderField } from './headers.ts';
import { MAX_ADDRESS_CHARS, MAX_ADDRESSES } from './limits.ts';
import { cutText, oneLine } from './text.ts';

/** The addresses of one kind of field. */
export interface AddressList {
  readonly addresses: readonly Address[];
  /** Whether some were left out or cut. */
  readonly truncated: boolean;
}

/**
 * Reads address fields (RFC 5322 section 3.4) in order: groups are replaced by their members, names are decoded, and
 * an entry with neither name nor address (`<>`) is none. Domains stay as written.
 */
export function readAddresses(fields: readonly HeaderField[]): AddressList {
  const found: Address[] = [];
  let truncated = false;
  for (const field of fields) {
    if (found.length > MAX_ADDRESSES.count) break;
    const parsed = parseAddressHeader(unfoldedText(field), { flatten: true, decodePunycode: false }).value;
    // The last address of a field that was cut is likely half of one, which would be another address.
    for (const { name, address } of field.truncated ? parsed.slice(0, -1) : parsed) {
      const entry = { name: textOrNull(name), address: textOrNull(address) };
      const bounded = boundedAddress(entry);
      truncated ||= bounded !== entry;
      if (bounded.name !== null || bounded.address !== null) found.push(bounded);
    }
    truncated ||= field.truncated;
  }
  const addresses = takeWithin(found, MAX_ADDRESSES);
  return { addresses, truncated: truncated || addresses.length < found.length };
}

/** A name may be shortened; half of an address would be another one. */
function boundedAddress(entry: Address): Address {
  const nameFits = entry.name === null || entry.name.length <= MAX_ADDRESS_CHARS;
  const addressFits = entry.address === null || entry.address.length <= MAX_ADDRESS_CHARS;
  if (nameFits && addressFits) return entry;
  const name = entry.name === null ? null : cutText(entry.name, MAX_ADDRESS_CHARS);
  return { name, address: addressFits ? entry.address : null };
}

/** `Name <address>`, or the half that is there. */
export function formatAddress({ name, address }: Address): string {
  if (name === null) return address ?? '';
  return address === null ? name : `${name} <${address}>`;
}

function textOrNull(text: string | undefined): string | null {
  return oneLine(text ?? '') || null;
}
