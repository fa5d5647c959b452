// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
const CONTROLS = /[\0-\x1f\x7f]+/g;

/** A text of a header as one line: a space for each run of control characters, no lone surrogates, trimmed. */
export function oneLine(text: string): string {
  return text.replace(CONTROLS, ' ').trim().toWellFormed();
}

/**
 * A body with LF at the ends of its lines, and without NUL and lone surrogates, which databases and JSON readers refuse;
 * U+FFFD stands for them.
 */
export function cleanBody(text: string): string {
  const lines = text.includes('\r') ? withLineFeeds(text) : text;
  return (lines.includes('\0') ? lines.replaceAll('\0', '\ufffd') : lines).toWellFormed();
}

/** A CR ends a line with or without LF behind it; gateways that make CRLF out of LF twice leave CR CR LF. */
function withLineFeeds(text: string): string {
  const usual = text.replaceAll('\r\n', '\n');
  if (!usual.includes('\r')) return usual;
  return usual.replace(/\r+\n?/g, (ends) => (ends.endsWith('\n') ? '\n' : '\n'.repeat(ends.length)));
}

/** At most `maxChars` UTF-16 units of a text, and no half of a surrogate pair. */
export function cutText(text: string, maxChars: number): string {
  if (text.length <= maxChars) return text;
  return text.slice(0, isHighSurrogate(text.charCodeAt(maxChars - 1)) ? maxChars - 1 : maxChars);
}

/** Whether a UTF-16 unit begins a pair. */
export function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}
