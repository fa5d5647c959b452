import type { Head, Listed } from '../../shared/ports/mail-source.ts';
import type { PollDeps, PollSession } from './deps.ts';
import { keyOf, type Ledger, ledgerKey } from './ledger.ts';
import { arrivalOfHead } from './parse/arrival.ts';
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
/** Of so many messages that sizes say are known, the last of the maildrop, the headers are looked at. */
const MAX_CHECKED = 500;
/** So many of the newest events are looked at for messages that must be found again by their digests. */
const MAX_KEPT = 200;
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

/** What is known of a maildrop whose UIDLs lost their meaning; `lost` are messages that waited to be fetched under a UIDL that is gone. */
interface SeenMaildrop {
  readonly base: Ledger;
  readonly items: readonly Listed[];
  readonly unknown: readonly Listed[];
  readonly lost: readonly Pick<Listed, 'sizeBytes'>[];
}

/**
 * After most UIDLs changed: the messages found again by the order of their sizes or by digest are known. Without any such
 * evidence, an account that wants all there is takes it for other mail (Gmail's POP3 shows a window that moves on).
 */
export async function unknownAfterPop3Reset(
  deps: PollDeps,
  session: PollSession,
  seen: SeenMaildrop,
): Promise<{ readonly fresh: readonly Listed[]; readonly reset: boolean }> {
  const known = await knownBySize(deps, session, seen);
  const left = seen.unknown.filter((item) => !known.has(keyOf(session.account.loginId, item)));
  const fresh = await withoutKnownDigests(deps, session, left);
  const evidence = fresh.length < seen.unknown.length;
  return { fresh, reset: evidence || session.account.start.kind !== 'all' };
}

/**
 * The keys of the messages that sizes say are known, as far as their headers do not say otherwise: a maildrop that another client has
 * emptied looks like one whose UIDLs changed, and what came since may be as large as what was there. So none is known by its
 * size that arrived after the last successful poll, nor one as large as a message that waited. And where one stands in the
 * place of a message whose event is kept, and is another, sizes say nothing at all.
 */
async function knownBySize(
  deps: PollDeps,
  session: PollSession,
  { base, items, lost }: SeenMaildrop,
): Promise<ReadonlySet<string>> {
  const lostSizes = new Set(lost.map(({ sizeBytes }) => sizeBytes));
  if (lostSizes.has(null)) return new Set();
  const found = foundBySize(
    [...base.present.values()],
    items.map((item) => item.sizeBytes),
  );
  const like = items.filter((item, index) => found.has(index) && !lostSizes.has(item.sizeBytes));
  if (like.length === 0) return new Set();
  const { loginId, lastSuccessAt, createdAt } = session.account;
  const keysBefore = [...base.present.keys()];
  const keyBefore = new Map(
    items.map((item, index) => [keyOf(loginId, item), keysBefore[found.get(index) ?? -1] ?? '']),
  );
  const kept = await keptKeys(deps, session);
  const known = new Set(like.map((item) => keyOf(loginId, item)));
  for (const { item, isKnown, arrivedAt } of await judgedByHead(deps, session, like.slice(-MAX_CHECKED))) {
    if (isKnown) continue;
    const key = keyOf(loginId, item);
    if (kept.has(keyBefore.get(key) ?? '')) return new Set();
    if (arrivedAt !== null && arrivedAt > (lastSuccessAt ?? createdAt)) known.delete(key);
  }
  return known;
}

/** The ledger keys of the account's newest messages that have an event. */
async function keptKeys(deps: PollDeps, { account }: PollSession): Promise<ReadonlySet<string>> {
  const { data } = await deps.store.messages({ accountId: account.id }, { after: null, limit: MAX_KEPT });
  const uidls = data.flatMap(({ event: { source } }) => (source?.protocol === 'pop3' ? [source.uidl] : []));
  return new Set(uidls.map((uidl) => ledgerKey(account.loginId, uidl)));
}

/**
 * The positions of the new listing at which the old one's sizes stand in the same order (the longest such row, equal sizes
 * paired by their number), with their positions in the old one; none when too little of the old one is found.
 */
export function foundBySize(
  before: readonly (number | null)[],
  now: readonly (number | null)[],
): ReadonlyMap<number, number> {
  const positions = new Map<number, number[]>();
  now.forEach((size, index) => {
    if (size === null) return;
    const list = positions.get(size);
    if (list) list.push(index);
    else positions.set(size, [index]);
  });
  for (const list of positions.values()) list.reverse();
  const paired: number[] = [];
  const partner = new Map<number, number>();
  before.forEach((size, at) => {
    const position = size === null ? undefined : positions.get(size)?.pop();
    if (position === undefined) return;
    paired.push(position);
    partner.set(position, at);
  });
  const found = longestIncreasing(paired);
  if (found.length < before.length * SIZE_MATCH_SHARE) return new Map();
  return new Map(found.map((position) => [position, partner.get(position) ?? 0]));
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
  const judged = await judgedByHead(deps, session, items);
  return judged.filter(({ isKnown }) => !isKnown).map(({ item }) => item);
}

/** A message by its header section. */
interface Judged {
  readonly item: Listed;
  /** Whether its digest is on a kept event. */
  readonly isKnown: boolean;
  /** ISO 8601 UTC; null when the header does not say, or the server did not give it. */
  readonly arrivedAt: string | null;
}

async function judgedByHead(
  deps: PollDeps,
  session: PollSession,
  items: readonly Listed[],
): Promise<Judged[]> {
  const judged: Judged[] = [];
  let slice: Head[] = [];
  const judge = async () => {
    const digests = slice.map(({ head, item }) =>
      head === null ? null : digestOfHead(head, item.sizeBytes ?? 0),
    );
    const asked = digests.filter((digest): digest is string => digest !== null);
    const known = await deps.store.knownDigests(session.account.id, asked);
    slice.forEach(({ item, head }, index) => {
      const digest = digests[index] ?? null;
      const isKnown = digest !== null && known.has(digest);
      judged.push({ item, isKnown, arrivedAt: head === null ? null : arrivalOfHead(head) });
    });
    slice = [];
  };
  if (items.length === 0) return judged;
  for await (const head of session.source.heads(items)) {
    slice.push(head);
    if (slice.length >= DIGEST_SLICE) await judge();
  }
  await judge();
  return judged;
}
