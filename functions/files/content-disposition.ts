/** What RFC 5987 section 3.2.1 lets stand in a value as it is, and encodeURIComponent too but for these. */
const NOT_ATTR_CHAR = /['()*]/g;
/** What a quoted file name cannot have, or some clients read wrongly (RFC 6266 appendix D). */
const NOT_PLAIN = /[^\x20-\x7e]|["%\\]/g;

/**
 * The Content-Disposition that saves a file under its name and never shows it: `filename` for everyone, and `filename*`
 * beside it where the name has more than plain characters (RFC 6266 section 4.3).
 */
export function attachmentDisposition(filename: string): string {
  const name = filename.toWellFormed();
  const plain = name.replace(NOT_PLAIN, '_');
  const start = `attachment; filename="${plain}"`;
  return plain === name ? start : `${start}; filename*=UTF-8''${extendedValue(name)}`;
}

function extendedValue(name: string): string {
  return encodeURIComponent(name).replace(
    NOT_ATTR_CHAR,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
