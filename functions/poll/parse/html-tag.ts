/** A tag as it stands in a page. */
interface Tag {
  /** In lower case. */
  readonly name: string;
  readonly isClosing: boolean;
  /** The value of an attribute as it is written, with its character references; null when it is missing. */
  readonly attributes: (name: string) => string | null;
}

/** What begins with a `<`. */
interface ReadTag {
  /** Null for what is no tag: a comment, a declaration, a lone `<`. */
  readonly tag: Tag | null;
  /** Whether the `<` is a character of the text. */
  readonly isText: boolean;
  /** Where to go on. */
  readonly end: number;
  /** False when quotes were looked at and did not match. */
  readonly isQuoted: boolean;
}

const NAME = /<(\/?)([a-z][a-z0-9:-]{0,40})/iy;
const NAME_CHAR = /[\w:-]/;

/**
 * Reads what begins at a `<` of a page of HTML, as browsers do it (HTML Living Standard section 13.2.5) where that matters
 * to its text: a tag or a comment that does not end takes all that follows, a `<` without a name behind it is a character.
 *
 * @param isQuoteAware Whether a `>` between quotes belongs to an attribute; costs a look at all that follows where quotes
 *   do not match.
 */
export function readTag(html: string, open: number, isQuoteAware: boolean): ReadTag {
  if (html.startsWith('<!--', open)) return skipped(html, html.indexOf('-->', open + 2), 3);
  if (html[open + 1] === '!' || html[open + 1] === '?') return skipped(html, html.indexOf('>', open), 1);
  NAME.lastIndex = open;
  const match = NAME.exec(html);
  if (match === null) return { tag: null, isText: true, end: open + 1, isQuoted: true };
  const [whole, slash, name = ''] = match;
  const from = open + whole.length;
  const quoted = isQuoteAware ? quotedEnd(html, from) : -1;
  const end = quoted < 0 ? html.indexOf('>', from) : quoted;
  // Nothing that follows is a tag either.
  if (end < 0) return { tag: null, isText: false, end: html.length, isQuoted: true };
  const attributes = (wanted: string) => attributeOf(html.slice(from, end), wanted);
  const tag = { name: name.toLowerCase(), isClosing: slash === '/', attributes };
  return { tag, isText: false, end: end + 1, isQuoted: quoted >= 0 || !isQuoteAware };
}

function skipped(html: string, end: number, length: number): ReadTag {
  return { tag: null, isText: false, end: end < 0 ? html.length : end + length, isQuoted: true };
}

/** The `>` that ends a tag, which may hold others between quotes; -1 when there is none. */
function quotedEnd(html: string, from: number): number {
  const special = /["'>]/g;
  special.lastIndex = from;
  for (let match = special.exec(html); match !== null; match = special.exec(html)) {
    if (match[0] === '>') return match.index;
    const close = html.indexOf(match[0], match.index + 1);
    if (close < 0) return -1;
    special.lastIndex = close + 1;
  }
  return -1;
}

/** The first attribute of that name. */
function attributeOf(source: string, wanted: string): string | null {
  const lower = source.toLowerCase();
  for (let at = lower.indexOf(wanted); at >= 0; at = lower.indexOf(wanted, at + wanted.length)) {
    if (NAME_CHAR.test(lower[at - 1] ?? ' ')) continue;
    const value = /^\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))/.exec(source.slice(at + wanted.length));
    if (value !== null) return value[1] ?? value[2] ?? value[3] ?? '';
  }
  return null;
}
