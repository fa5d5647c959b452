import type { BlobRef } from '../ports/blobs.ts';

/** Where a blob lies: in which pack, from which byte on, how many. */
export interface BlobPlace {
  readonly pack: string;
  readonly offset: number;
  readonly sizeBytes: number;
}

/** A pack's name: when it was begun, in ms, base 36, and what makes it unique. Nothing of a mail reaches the file system. */
const PACK_NAME = /^([0-9a-z]{1,9})-[0-9a-f]{16}$/;
const REF = /^([0-9a-z]{1,9}-[0-9a-f]{16})\.([0-9a-z]{1,8})\.([0-9a-z]{1,8})$/;

/** The name of a pack. `unique` is 16 hexadecimal digits that no other pack has. */
export function packNameOf(begunMs: number, unique: string): string {
  return `${Math.max(0, begunMs).toString(36)}-${unique}`;
}

/** When a pack was begun, in ms since 1970; null for a name that is not that of a pack. */
export function packTimeMs(name: string): number | null {
  const time = PACK_NAME.exec(name)?.[1];
  return time === undefined ? null : Number.parseInt(time, 36);
}

export function refOf({ pack, offset, sizeBytes }: BlobPlace): BlobRef {
  return `${pack}.${offset.toString(36)}.${sizeBytes.toString(36)}` as BlobRef;
}

/** The place that a ref names; null for one that is not ours. */
export function placeOf(ref: string): BlobPlace | null {
  const match = REF.exec(ref);
  if (match === null) return null;
  const [, pack = '', offset = '', size = ''] = match;
  return { pack, offset: Number.parseInt(offset, 36), sizeBytes: Number.parseInt(size, 36) };
}
