/** As far as the first delimiter is looked for: preambles are short. */
const MAX_PREAMBLE_BYTES = 64 * 1024;

/**
 * A delimiter line (RFC 2046 section 5.1.1) with a part's header right behind it, or the empty line of a part that has
 * none. A boundary has at most 70 characters; mailers that get it wrong get its length wrong too.
 */
const DELIMITER =
  /(?:^|\n)--(?!-*[ \t\r]*\n)([ -~]{1,200}?)[ \t\r]*\n(?=(?:content-[a-z-]{1,60}[ \t]*:|[ \t\r]*\n))/i;

/**
 * The boundary that a multipart's content shows, for one whose header names none, or another. It must open a part and
 * occur once more, be it to close: a line of a letter that happens to begin with two dashes does not.
 *
 * @returns Null when there is none.
 */
export function guessBoundary(content: Buffer): string | null {
  const start = content.toString('latin1', 0, MAX_PREAMBLE_BYTES);
  const match = DELIMITER.exec(start);
  const boundary = match?.[1];
  if (match === null || boundary === undefined || boundary.endsWith('--')) return null;
  const line = Buffer.from(`\n--${boundary}`, 'latin1');
  return content.indexOf(line, match.index + match[0].length - 1) < 0 ? null : boundary;
}
