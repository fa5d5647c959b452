import { permittedFlag } from './marking.ts';
import {
  allOf,
  DONE,
  flagsOf,
  GONE,
  refused,
  retry,
  type SettledByUid,
  type Settling,
  selectSource,
  settledByRefusal,
  supports,
} from './settled.ts';
import { uidSet } from './uid-set.ts';

/**
 * Deletes messages for good, and these alone: UID EXPUNGE (RFC 4315). Without it nothing is done, not even marked, because a
 * plain EXPUNGE takes away whatever else is marked as deleted in the mailbox.
 */
export async function deleteMessages(settling: Settling, uids: readonly number[]): Promise<SettledByUid> {
  const { session, mailbox } = settling;
  if (!supports(session, 'UIDPLUS')) {
    return allOf(uids, refused('the server cannot delete single messages (it has no UIDPLUS)'));
  }
  if (permittedFlag(mailbox, '\\Deleted') === null) {
    return allOf(uids, refused('the mailbox does not let messages be marked as deleted'));
  }
  await selectSource(settling);
  const before = await flagsOf(settling, uids);
  const present = uids.filter((uid) => before.has(uid));
  const settled: SettledByUid = allOf(uids, GONE);
  if (present.length === 0) return settled;

  const info = { doing: 'delete messages', timeoutMs: session.deadlines.commandMs };
  const deleted = await session.run(info, () => session.client.messageDelete(uidSet(present), { uid: true }));
  const failure = deleted
    ? retry('the server said OK and kept the message')
    : settledByRefusal(session.refusal());
  const after = await flagsOf(settling, present);
  for (const uid of present) settled.set(uid, after.has(uid) ? failure : DONE);
  return settled;
}
