import { decode } from 'libmime/lib/charset.js';

/** RFC 1843: pairs of bytes between `~{` and `~}`; a first byte of a pair is never a tilde. */
const HZ = /~(?:\{((?:[\x21-\x77][\x21-\x7e])*)(?:~\})?|([~\n]))/g;

// RFC 1557 and RFC 1922: an announcement, then text between SHIFT OUT and SHIFT IN.
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
const ANNOUNCEMENT = /\x1b\$\)[AC]/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
const SHIFTED = /\x0e([^\x0f]*)\x0f?/g;

const SEVEN_BIT_PAIR = /[\x21-\x7e]{2}/g;

/** Charsets of seven bits that switch into a charset of eight, which the libraries do not know. */
const DECODERS: ReadonlyMap<string, (text: string) => string> = new Map([
  ['hz-gb-2312', decodeHz],
  ['hz-gb', decodeHz],
  ['hz', decodeHz],
  ['iso-2022-kr', (text: string) => decodeShifted(text, 'euc-kr')],
  ['iso-2022-cn', (text: string) => decodeShifted(text, 'gb2312')],
]);

/** Decodes HZ, ISO-2022-KR or ISO-2022-CN, in linear time; null when `name` (lower case) is another charset. */
export function decodeShiftedCharset(bytes: Buffer, name: string): string | null {
  return DECODERS.get(name)?.(bytes.toString('latin1')) ?? null;
}

function decodeHz(text: string): string {
  return text.replace(HZ, (_, pairs: string | undefined, escaped: string | undefined) => {
    if (pairs !== undefined) return decodePairs(pairs, 'gb2312');
    return escaped === '~' ? '~' : '';
  });
}

function decodeShifted(text: string, charset: string): string {
  return text
    .replace(ANNOUNCEMENT, '')
    .replace(SHIFTED, (_, shifted: string) =>
      shifted.replace(SEVEN_BIT_PAIR, (pair) => decodePairs(pair, charset)),
    );
}

/** The same bytes with their highest bit set are the charset of eight bits. */
function decodePairs(pairs: string, charset: string): string {
  const bytes = Buffer.from(pairs, 'latin1');
  return decode(Buffer.from(bytes.map((byte) => byte | 0x80)), charset);
}
