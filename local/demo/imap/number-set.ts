import { BadCommandError } from './command.ts';

/** Ranges, both ends included; `*` stands for the highest number there is. */
export type NumberSet = readonly { readonly from: number; readonly to: number }[];

const MAX_RANGES = 10_000;

/**
 * Reads a sequence-set (RFC 9051 section 9). `highest` is what `*` means; `n:*` therefore always has the last message in it.
 * Throws BadCommandError.
 */
export function parseNumberSet(text: string, highest: number): NumberSet {
  const ranges = text.split(',');
  if (ranges.length > MAX_RANGES) throw new BadCommandError('The set has too many ranges');
  return ranges.map((range) => {
    const match = /^(\d{1,10}|\*)(?::(\d{1,10}|\*))?$/.exec(range);
    if (match === null) throw new BadCommandError(`"${range}" is not a range of numbers`);
    const [from, to] = [match[1], match[2] ?? match[1]].map((end) => (end === '*' ? highest : Number(end)));
    return { from: Math.min(from ?? 0, to ?? 0), to: Math.max(from ?? 0, to ?? 0) };
  });
}

/** Whether a number is in one of the ranges. */
export function isInSet(set: NumberSet, number: number): boolean {
  return set.some(({ from, to }) => number >= from && number <= to);
}

/** Numbers, ascending, as a set: `1:3,7`. */
export function formatNumberSet(numbers: readonly number[]): string {
  const ranges: { from: number; to: number }[] = [];
  for (const number of numbers) {
    const last = ranges.at(-1);
    if (last !== undefined && last.to + 1 === number) last.to = number;
    else ranges.push({ from: number, to: number });
  }
  return ranges.map(({ from, to }) => (from === to ? String(from) : `${from}:${to}`)).join(',');
}
