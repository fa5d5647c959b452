import { MAX_COPY_CANDIDATES } from './limits.ts';
import { openMailbox } from './mailbox.ts';
import { fetchRows, HEADER_SECTION } from './rows.ts';
import { DONE, retry, type SettledByUid, type Settling, selectSource, settledByRefusal } from './settled.ts';
import { uidSet } from './uid-set.ts';

/** What tells a message and its copy from all others: the whole header section, trace fields included, and the size. */
interface Likeness {
  readonly head: Buffer;
  readonly sizeBytes: number;
}

/**
 * Copies messages and makes sure of it: `done` is in the target. A copy that an earlier try made before its connection broke
 * is found there and not made again.
 */
export async function copyMessages(
  settling: Settling,
  uids: readonly number[],
  target: string,
): Promise<SettledByUid> {
  const { session } = settling;
  const settled: SettledByUid = new Map();
  const likenesses = await likenessesOf(settling, uids);
  await openMailbox(session, settling.directory, target, 'examine');
  for (const uid of uids) {
    const likeness = likenesses.get(uid);
    const there = likeness === undefined ? null : await isThere(settling, likeness);
    if (there === null)
      settled.set(uid, retry('an earlier copy in the target mailbox could not be looked for'));
    else if (there) settled.set(uid, DONE);
  }
  await selectSource(settling);
  const toCopy = uids.filter((uid) => !settled.has(uid));
  if (toCopy.length === 0) return settled;

  const info = { doing: 'copy messages', timeoutMs: session.deadlines.commandMs };
  const copied = await session.run(info, () =>
    session.client.messageCopy(uidSet(toCopy), target, { uid: true }),
  );
  const failure = copied
    ? retry('the server said OK and did not say that it copied the message')
    : settledByRefusal(session.refusal());
  for (const uid of toCopy) {
    const isCopied = copied !== false && copied.uidMap?.has(uid) === true;
    settled.set(uid, isCopied ? DONE : failure);
  }
  return settled;
}

async function likenessesOf(
  { session }: Settling,
  uids: readonly number[],
): Promise<ReadonlyMap<number, Likeness>> {
  const sizes = new Map<number, number>();
  const info = { doing: 'read the sizes of messages', timeoutMs: session.deadlines.commandMs };
  await session.fetchRows(info, uidSet(uids), { uid: true, size: true }, ({ uid, size }) => {
    if (size !== undefined) sizes.set(uid, size);
    return true;
  });
  const { bytes, error } = await headsOf(session, uids);
  if (error !== null) throw error;
  const likenesses = new Map<number, Likeness>();
  for (const [uid, head] of bytes) {
    const sizeBytes = sizes.get(uid);
    if (sizeBytes !== undefined) likenesses.set(uid, { head, sizeBytes });
  }
  return likenesses;
}

/** Whether the selected mailbox has a copy of the message; null when the server will not search. */
async function isThere({ session }: Settling, { head, sizeBytes }: Likeness): Promise<boolean | null> {
  const messageId = /^message-id:[ \t]*(<[!-~]{1,200}>)[ \t]*\r?$/im.exec(head.toString('latin1'))?.[1];
  const query = {
    larger: Math.max(0, sizeBytes - 1),
    smaller: sizeBytes + 1,
    ...(messageId === undefined ? {} : { header: { 'message-id': messageId } }),
  };
  const info = { doing: 'look for an earlier copy', timeoutMs: session.deadlines.commandMs };
  const found = await session.run(info, () => session.client.search(query, { uid: true }));
  if (!Array.isArray(found)) {
    session.refusal();
    return null;
  }
  const candidates = found.slice(-MAX_COPY_CANDIDATES);
  if (candidates.length === 0) return false;
  const { bytes, error } = await headsOf(session, candidates);
  if (error !== null) throw error;
  return [...bytes.values()].some((candidate) => candidate.equals(head));
}

function headsOf(session: Settling['session'], uids: readonly number[]) {
  const info = { doing: 'read the headers of messages', bytes: uids.length * 64 * 1024 };
  return fetchRows(session, uids, HEADER_SECTION, info);
}
