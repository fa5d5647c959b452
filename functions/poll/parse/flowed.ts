/** RFC 3676 section 4.3: the line in front of a signature is never joined with another one. */
const SIGNATURE = '-- ';

/**
 * Undoes format=flowed (RFC 3676 section 4): joins the lines of each paragraph, removes the spaces that were put in front of
 * lines, and leaves quote marks as they stand.
 *
 * @param deletesSpace Whether the space that marks a flowed line is no part of the text (DelSp=yes).
 */
export function unwrapFlowed(text: string, deletesSpace: boolean): string {
  let unwrapped = '';
  // The quote depth of a paragraph that goes on in the next line; -1 when none does.
  let openDepth = -1;
  for (let at = 0; at <= text.length; ) {
    const lineFeed = text.indexOf('\n', at);
    const end = lineFeed < 0 ? text.length : lineFeed;
    const depth = quoteDepth(text, at, end);
    const start = at + depth + (text[at + depth] === ' ' && at + depth < end ? 1 : 0);
    const isSignature = end - start === SIGNATURE.length && text.startsWith(SIGNATURE, start);
    const isFlowed = !isSignature && end > start && text[end - 1] === ' ';
    const goesOn = openDepth === depth && !isSignature;
    const line = text.slice(goesOn || depth === 0 ? start : at, isFlowed && deletesSpace ? end - 1 : end);
    unwrapped += goesOn || at === 0 ? line : `\n${line}`;
    openDepth = isFlowed ? depth : -1;
    at = end + 1;
  }
  return unwrapped;
}

function quoteDepth(text: string, start: number, end: number): number {
  let at = start;
  while (at < end && text[at] === '>') at += 1;
  return at - start;
}
