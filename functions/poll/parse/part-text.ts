import { decodeCharset } from './charset.ts';
import { unwrapFlowed } from './flowed.ts';
import { MAX_EVENT_BYTES } from './limits.ts';
import { cleanBody, cutText } from './text.ts';

/** The text of one part. */
export interface PartText {
  readonly isHtml: boolean;
  /** Unicode, with LF at the ends of lines. */
  readonly text: string;
  /** Whether its end is missing. */
  readonly truncated: boolean;
}

/** What the header of a part says of its text. */
interface TextType {
  readonly type: string;
  /** Parameters of its Content-Type. */
  readonly charset?: string | undefined;
  readonly format?: string | undefined;
  readonly delsp?: string | undefined;
}

/**
 * Decodes a part that is text.
 *
 * @param bytes Its transfer encoding undone.
 * @param isWhole False when bytes are missing at the end.
 */
export function readPartText(what: TextType, bytes: Buffer, isWhole: boolean): PartText {
  const whole = cleanBody(decodeCharset(bytes, what.charset ?? ''));
  // Cut before it is unwrapped, which takes much memory; more than this no event can hold.
  const cut = cutText(whole, MAX_EVENT_BYTES);
  return {
    isHtml: what.type === 'text/html',
    text: isFlowed(what) ? unwrapFlowed(cut, what.delsp?.trim().toLowerCase() === 'yes') : cut,
    truncated: !isWhole || cut.length < whole.length,
  };
}

/** RFC 3676: format=flowed is for text/plain alone. */
function isFlowed({ type, format }: TextType): boolean {
  return type === 'text/plain' && format?.trim().toLowerCase() === 'flowed';
}
