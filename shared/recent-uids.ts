/** Known UIDs that an IMAP cursor keeps. */
const KEPT_UIDS = 128;

/** What a cursor keeps of the known UIDs in `recent`: the last 128, ascending, to notice one that appears between them late. */
export function recentUids(known: Iterable<number>): number[] {
  return [...new Set(known)].sort((a, b) => a - b).slice(-KEPT_UIDS);
}
