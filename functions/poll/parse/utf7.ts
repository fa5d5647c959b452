/** A shift into base64 and out of it again; a `+` that begins no base64 matches alone. */
const SHIFT = /\+([A-Za-z0-9+/]*)-?/g;

/** What it takes to write one UTF-16 unit in base64. */
const MIN_UNIT_CHARS = 3;

/**
 * Decodes UTF-7 (RFC 2152) in linear time. What cannot be a shift stays as it stands: mail that says UTF-7 and holds a
 * plain `+` is in use.
 */
export function decodeUtf7(bytes: Buffer): string {
  return bytes.toString('latin1').replace(SHIFT, (whole: string, base64: string) => {
    if (base64 === '') return '+';
    if (base64.length < MIN_UNIT_CHARS) return whole;
    const units = Buffer.from(base64, 'base64');
    return units
      .subarray(0, units.length - (units.length % 2))
      .swap16()
      .toString('utf16le');
  });
}
