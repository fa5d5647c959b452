import { MailError } from '../../../../shared/ports/mail-source.ts';
import { copyMessages } from './copying.ts';
import { deleteMessages } from './deleting.ts';
import { type Directory, nameProblem } from './directory.ts';
import { permittedFlag } from './marking.ts';
import { quotable } from './server-text.ts';
import {
  allOf,
  DONE,
  flagsOf,
  GONE,
  refused,
  retry,
  type Settled,
  type SettledByUid,
  type Settling,
  selectSource,
  settledByRefusal,
  supports,
} from './settled.ts';
import { uidSet } from './uid-set.ts';

/**
 * Moves messages to another mailbox, which is created when it is not there: by MOVE (RFC 6851), or else by a copy that is
 * verified before the original is deleted by UID EXPUNGE.
 */
export async function moveMessages(
  settling: Settling,
  uids: readonly number[],
  mailbox: string,
): Promise<SettledByUid> {
  const { session, directory } = settling;
  const problem = nameProblem(mailbox);
  if (problem !== null) return allOf(uids, refused(problem));
  const shown = quotable(mailbox, []);
  const target = await directory.resolve(mailbox);
  if (target === null)
    return allOf(uids, refused(`no mailbox has the use ${shown}; ${await directory.describe()}`));
  if (target === settling.mailbox.path) {
    return allOf(uids, refused(`the message is in the mailbox "${shown}" already`));
  }
  const byMove = supports(session, 'MOVE');
  if (!byMove && !supports(session, 'UIDPLUS')) {
    return allOf(uids, refused('the server cannot move single messages (it has neither MOVE nor UIDPLUS)'));
  }
  if (!byMove && permittedFlag(settling.mailbox, '\\Deleted') === null) {
    return allOf(uids, refused('the mailbox does not let messages be marked as deleted'));
  }
  const obstacle = await makeReady(directory, target);
  if (obstacle !== null) return allOf(uids, obstacle);

  await selectSource(settling);
  const before = await flagsOf(settling, uids);
  const present = uids.filter((uid) => before.has(uid));
  const settled = allOf(uids, GONE);
  if (present.length === 0) return settled;
  const moved = await (byMove ? moveAtOnce : copyAndDelete)(settling, present, target);
  return new Map([...settled, ...moved]);
}

/** Null when the mailbox can be moved into. */
async function makeReady(directory: Directory, path: string): Promise<Settled | null> {
  const found = await directory.find(path);
  if (found !== null) {
    return found.canBeOpened ? null : refused(`the mailbox "${quotable(path, [])}" cannot hold messages`);
  }
  try {
    await directory.create(path);
    return null;
  } catch (error) {
    if (error instanceof MailError && error.code === 'mailbox') return refused(error.message);
    throw error;
  }
}

async function moveAtOnce(
  settling: Settling,
  uids: readonly number[],
  target: string,
): Promise<SettledByUid> {
  const { session } = settling;
  const info = { doing: 'move messages', timeoutMs: session.deadlines.commandMs };
  const moved = await session.run(info, () =>
    session.client.messageMove(uidSet(uids), target, { uid: true }),
  );
  const failure = moved
    ? retry('the server said OK and did not move the message')
    : settledByRefusal(session.refusal());
  const settled = allOf(uids, DONE);
  // Not every server says what it moved, and one that says NO may have moved some.
  const unclear = uids.filter((uid) => moved === false || moved.uidMap?.has(uid) !== true);
  const left = await flagsOf(settling, unclear);
  for (const uid of left.keys()) settled.set(uid, failure);
  return settled;
}

async function copyAndDelete(
  settling: Settling,
  uids: readonly number[],
  target: string,
): Promise<SettledByUid> {
  const copied = await copyMessages(settling, uids, target);
  const inTarget = uids.filter((uid) => copied.get(uid)?.result === 'done');
  if (inTarget.length === 0) return copied;
  return new Map([...copied, ...(await deleteMessages(settling, inTarget))]);
}
