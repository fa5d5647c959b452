import { isHighSurrogate } from './text.ts';

/** `\u0000` is the longest that JSON makes of a UTF-16 unit. */
const MOST_BYTES_PER_CHAR = 6;
/** More than the names, quotes, commas and numbers around the texts of an attachment, the largest item. */
const MOST_BYTES_AROUND = 300;

/** How many items of a list may stay, and how many bytes of JSON they may take. */
interface ListLimit {
  readonly count: number;
  readonly bytes: number;
}

/**
 * The first items of a list that fit the limit, the same list when all do.
 *
 * @param charsOf The characters of an item's texts: with few of them it need not be measured at all.
 */
export function takeWithin<Item>(
  items: readonly Item[],
  limit: ListLimit,
  charsOf: (item: Item) => number,
): readonly Item[] {
  const chars = items.reduce((sum, item) => sum + charsOf(item), 0);
  const mostBytes = chars * MOST_BYTES_PER_CHAR + items.length * MOST_BYTES_AROUND;
  if (items.length <= limit.count && mostBytes <= limit.bytes) return items;
  let bytes = 0;
  let count = 0;
  for (const item of items) {
    bytes += jsonBytes(item) + 1;
    if (count === limit.count || bytes > limit.bytes) return items.slice(0, count);
    count += 1;
  }
  return items;
}

/** The bytes of a value as UTF-8 JSON. */
export function jsonBytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}

/**
 * The longest beginning of a well-formed text whose JSON has at most `maxBytes` bytes, quotes included; null when not
 * even one character fits. Looks at each character once.
 */
export function cutToJsonBytes(text: string, maxBytes: number): string | null {
  let bytes = 2;
  let at = 0;
  while (at < text.length) {
    const unit = text.charCodeAt(at);
    const isPair = isHighSurrogate(unit);
    bytes += isPair ? 4 : jsonBytesOf(unit);
    if (bytes > maxBytes) break;
    at += isPair ? 2 : 1;
  }
  return at === 0 ? null : text.slice(0, at);
}

/** ECMA-262 QuoteJSONString: what one UTF-16 unit outside of a pair takes. */
function jsonBytesOf(unit: number): number {
  if (unit >= 0x80) return unit >= 0x800 ? 3 : 2;
  if (unit >= 0x20) return unit === 0x22 || unit === 0x5c ? 2 : 1;
  // \b \t \n \f \r have a short form.
  return unit >= 0x08 && unit <= 0x0d && unit !== 0x0b ? 2 : 6;
}
