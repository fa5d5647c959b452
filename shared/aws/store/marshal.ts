import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { AttributeValue } from '@aws-sdk/client-dynamodb';

/** An item as DynamoDB has it. */
export type Item = Readonly<Record<string, AttributeValue>>;

/** What an attribute can hold here. Whatever has a structure of its own is kept as JSON. */
export type Value = string | number | Uint8Array;

/** A text longer than this is worth deflating: below, the item costs one write unit either way. */
const PACK_ABOVE_BYTES = 512;
/** Nothing that is packed here is larger: 20 attempts of 4 KiB of response and a little more. */
const MAX_UNPACKED_BYTES = 1024 * 1024;

/**
 * An item is not of the form it was written in: it was changed by something else. Names the attribute and the kind of item,
 * never a value: sort keys may have the names of mailboxes in them.
 */
export class StoredItemError extends Error {
  override readonly name = 'StoredItemError';

  constructor(item: Item, attribute: string, expected: string) {
    const [kind = ''] = (item.sk?.S ?? '').split('#', 1);
    super(`Cannot read "${attribute}" of an item "${kind}": it is not ${expected}`);
  }
}

/** One value as an attribute. Throws RangeError for a number that is none. */
export function attribute(value: Value): AttributeValue {
  if (typeof value === 'string') return { S: value };
  if (typeof value !== 'number') return { B: value };
  if (!Number.isFinite(value)) throw new RangeError(`Cannot store the number ${value}: it must be finite`);
  return { N: String(value) };
}

/** The attributes of a record; what is null or undefined is left out. */
export function attributes(
  record: Readonly<Record<string, Value | null | undefined>>,
): Record<string, AttributeValue> {
  const item: Record<string, AttributeValue> = {};
  for (const [name, value] of Object.entries(record)) {
    if (value !== null && value !== undefined) item[name] = attribute(value);
  }
  return item;
}

/** A text attribute; throws StoredItemError when it is missing or something else. */
export function text(item: Item, name: string): string {
  const value = item[name]?.S;
  if (value === undefined) throw new StoredItemError(item, name, 'a text');
  return value;
}

/** A text attribute; null when it is missing. */
export function textOrNull(item: Item, name: string): string | null {
  return item[name] === undefined ? null : text(item, name);
}

/** A number attribute; throws StoredItemError when it is missing or something else. */
export function number(item: Item, name: string): number {
  const value = Number(item[name]?.N ?? Number.NaN);
  if (Number.isNaN(value)) throw new StoredItemError(item, name, 'a number');
  return value;
}

/** A number attribute; the other value when it is missing. */
export function numberOr<Other>(item: Item, name: string, other: Other): number | Other {
  return item[name] === undefined ? other : number(item, name);
}

/** An attribute of JSON, as `JSON.stringify` of a Shape wrote it; throws StoredItemError when it is missing. */
export function json<Shape>(item: Item, name: string): Shape {
  return JSON.parse(text(item, name)) as Shape;
}

/** An attribute of JSON; null when it is missing. */
export function jsonOrNull<Shape>(item: Item, name: string): Shape | null {
  return item[name] === undefined ? null : json<Shape>(item, name);
}

/**
 * A text that may be long, deflated where that is worth it: a write costs by the kilobyte, and what receivers answer to
 * ten attempts is ten times the same page.
 */
export function packed(value: string): Value {
  if (Buffer.byteLength(value, 'utf8') <= PACK_ABOVE_BYTES) return value;
  return deflateRawSync(value);
}

/** What `packed` made; null when it is missing. Throws StoredItemError when it is neither form. */
export function unpackedOrNull(item: Item, name: string): string | null {
  const value = item[name];
  if (value === undefined) return null;
  if (value.S !== undefined) return value.S;
  if (value.B === undefined) throw new StoredItemError(item, name, 'a packed text');
  return inflateRawSync(value.B, { maxOutputLength: MAX_UNPACKED_BYTES }).toString('utf8');
}
