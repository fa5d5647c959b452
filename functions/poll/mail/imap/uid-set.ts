/** The UIDs as a sequence-set (RFC 9051 section 9) of ranges, ascending: `1:3,7`. UIDs that were not given are not in it. */
export function uidSet(uids: readonly number[]): string {
  const sorted = [...new Set(uids)].sort((a, b) => a - b);
  const ranges: string[] = [];
  for (let at = 0; at < sorted.length; ) {
    const first = sorted[at] ?? 0;
    let length = 1;
    while (sorted[at + length] === first + length) length++;
    ranges.push(length === 1 ? String(first) : `${first}:${first + length - 1}`);
    at += length;
  }
  return ranges.join(',');
}

/** The items in slices of at most `size`, in their order. */
export function slicesOf<Item>(items: readonly Item[], size: number): Item[][] {
  const slices: Item[][] = [];
  for (let at = 0; at < items.length; at += size) slices.push(items.slice(at, at + size));
  return slices;
}
