import type { Head, Listed } from '../../shared/ports/mail-source.ts';
import type { PollDeps, PollSession } from './deps.ts';
import { keyOf, type Ledger } from './ledger.ts';
import { digestOfHead } from './parse/digest.ts';

/** INTERNALDATE and our clock may differ; mail moved between servers keeps its date. */
const OVERLAP_MS = 24 * 3_600_000;
/** INTERNALDATE is in whole seconds of the server's clock: mail that came right after the account was added may look older. */
const CLOCK_SKEW_MS = 10 * 60_000;
/** More unknown messages than this, or than a fifth of the mailbox, after a break are held: it is likelier an error than mail. */
const FLOOD_MINIMUM = 200;
const FLOOD_SHARE = 0.2;
/** So much of the old order must be found again by sizes before sizes count as evidence. */
const SIZE_MATCH_SHARE = 0.8;
/** Fewer different sizes say nothing: what a program writes is often of one size, and two mails are by chance. */
const MIN_DISTINCT_SIZES = 3;
const DIGEST_SLICE = 500;

/** The unknown messages after a break are too many to be believed; the account waits for its owner. */
export class FloodError extends Error {
  override readonly name = 'FloodError';
  readonly held: number;

  constructor(held: number, exists: number) {
    super(
      `The mailbox's identifiers changed, and ${held} of its ${exists} messages cannot be told from new ones: ` +
        'deliver them with `accounts resume`, or count them as known with `accounts rebaseline`',
    );
    this.held = held;
  }
}

/** Throws FloodError when too many messages are unknown after a break, unless the owner of the account lets them through. */
export function guardFlood(fresh: number, exists: number, session: PollSession): void {
  if (fresh <= Math.max(FLOOD_MINIMUM, exists * FLOOD_SHARE)) return;
  // `held` of an active account: its owner resumed it, and so lets through what is there.
  if (session.account.start.kind === 'all' || session.account.held > 0) return;
  throw new FloodError(fresh, exists);
}

/**
 * The messages of a mailbox whose UIDs lost their meaning that are not known: younger than the last successful poll
 * (less a day) or one of those that `waited` to be fetched, and without their digest on a kept event.
 */
export async function unknownAfterImapReset(
  deps: PollDeps,
  session: PollSession,
  items: readonly Listed[],
  waited: readonly Pick<Listed, 'internalDate' | 'sizeBytes'>[],
): Promise<Listed[]> {
  const { lastSuccessAt, createdAt, start } = session.account;
  const lastSuccess = new Date(lastSuccessAt ?? createdAt).getTime() - OVERLAP_MS;
  // What was there before the account was added is known as well, when it asked for new mail only.
  const added = new Date(createdAt).getTime() - CLOCK_SKEW_MS;
  const youngest = start.kind === 'now' ? Math.max(lastSuccess, added) : lastSuccess;
  const since = new Date(youngest).toISOString();
  const waiting = new Set(waited.map(likeness));
  const candidates = items.filter(
    (item) => item.internalDate === null || item.internalDate >= since || waiting.has(likeness(item)),
  );
  return await withoutKnownDigests(deps, session, candidates);
}

/** What a listing says of a message besides its UID; servers keep it when they number a mailbox anew. */
function likeness({ internalDate, sizeBytes }: Pick<Listed, 'internalDate' | 'sizeBytes'>): string {
  return `${internalDate} ${sizeBytes}`;
}

/**
 * Whether the UIDLs of a maildrop lost their meaning: less than half of what was known when it was last listed (less what
 * we deleted since) is known now, though there is mail that is not.
 */
export function pop3ContinuityBroke(counts: {
  readonly knownNow: number;
  readonly knownBefore: number;
  readonly unknown: number;
}): boolean {
  return counts.unknown > 0 && counts.knownBefore > 0 && counts.knownNow * 2 < counts.knownBefore;
}

/**
 * After most UIDLs changed: the messages found again by the order of their sizes or by digest are known. `lost` are those that
 * waited to be fetched under a UIDL that is gone: a message as large as one of them is not known by its size. Without any
 * such evidence, an account that wants all there is takes it for other mail (Gmail's POP3 shows a window that moves on).
 */
export async function unknownAfterPop3Reset(
  deps: PollDeps,
  session: PollSession,
  seen: {
    readonly base: Ledger;
    readonly items: readonly Listed[];
    readonly unknown: readonly Listed[];
    readonly lost: readonly Pick<Listed, 'sizeBytes'>[];
  },
): Promise<{ readonly fresh: readonly Listed[]; readonly reset: boolean }> {
  const bySize = foundBySize(
    [...seen.base.present.values()],
    seen.items.map((item) => item.sizeBytes),
  );
  const lostSizes = new Set(seen.lost.map(({ sizeBytes }) => sizeBytes));
  const isKnownBySize = ({ sizeBytes }: Listed, index: number) =>
    bySize.has(index) && !lostSizes.has(null) && !lostSizes.has(sizeBytes);
  const keys = new Set(seen.unknown.map((item) => keyOf(session.account.loginId, item)));
  const left = seen.items.filter(
    (item, index) => !isKnownBySize(item, index) && keys.has(keyOf(session.account.loginId, item)),
  );
  const fresh = await withoutKnownDigests(deps, session, left);
  const evidence = fresh.length < seen.unknown.length;
  return { fresh, reset: evidence || session.account.start.kind !== 'all' };
}

/**
 * The positions of the new listing at which the old one's sizes stand in the same order (the longest such row, equal sizes
 * paired by their number); none when too little of the old one is found.
 */
export function foundBySize(
  before: readonly (number | null)[],
  now: readonly (number | null)[],
): ReadonlySet<number> {
  const positions = new Map<number, number[]>();
  now.forEach((size, index) => {
    if (size === null) return;
    const list = positions.get(size);
    if (list) list.push(index);
    else positions.set(size, [index]);
  });
  for (const list of positions.values()) list.reverse();
  const paired: number[] = [];
  for (const size of before) {
    const position = size === null ? undefined : positions.get(size)?.pop();
    if (position !== undefined) paired.push(position);
  }
  const found = longestIncreasing(paired);
  const isRow = found.length >= before.length * SIZE_MATCH_SHARE;
  const isTelling = new Set(found.map((position) => now[position])).size >= MIN_DISTINCT_SIZES;
  return isRow && isTelling ? new Set(found) : new Set();
}

/** A longest strictly increasing subsequence, in n log n. */
function longestIncreasing(values: readonly number[]): number[] {
  /** tails[n]: the index of the smallest value that ends a row of n + 1. */
  const tails: number[] = [];
  const previous: number[] = [];
  values.forEach((value, index) => {
    let low = 0;
    let high = tails.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((values[tails[middle] ?? 0] ?? 0) < value) low = middle + 1;
      else high = middle;
    }
    previous[index] = low > 0 ? (tails[low - 1] ?? -1) : -1;
    tails[low] = index;
  });
  const row: number[] = [];
  for (let at = tails.at(-1) ?? -1; at !== -1; at = previous[at] ?? -1) row.push(values[at] ?? 0);
  return row.reverse();
}

async function withoutKnownDigests(
  deps: PollDeps,
  session: PollSession,
  items: readonly Listed[],
): Promise<Listed[]> {
  const unknown: Listed[] = [];
  let slice: Head[] = [];
  const sift = async () => {
    const digests = slice.map(({ head, item }) =>
      head === null ? null : digestOfHead(head, item.sizeBytes ?? 0),
    );
    const asked = digests.filter((digest): digest is string => digest !== null);
    const known = await deps.store.knownDigests(session.account.id, asked);
    slice.forEach(({ item }, index) => {
      const digest = digests[index] ?? null;
      if (digest === null || !known.has(digest)) unknown.push(item);
    });
    slice = [];
  };
  if (items.length === 0) return unknown;
  for await (const head of session.source.heads(items)) {
    slice.push(head);
    if (slice.length >= DIGEST_SLICE) await sift();
  }
  await sift();
  return unknown;
}
