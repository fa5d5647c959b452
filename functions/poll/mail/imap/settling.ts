import { type Action, type ActionResult, MailError } from '../../../../shared/ports/mail-source.ts';
import { deleteMessages } from './deleting.ts';
import type { Directory } from './directory.ts';
import { MAX_UIDS_PER_COMMAND } from './limits.ts';
import { openIfThere } from './mailbox.ts';
import { addFlag } from './marking.ts';
import { moveMessages } from './moving.ts';
import type { ImapSession } from './session.ts';
import { DONE, refused, retry, type Settled, type SettledByUid, type Settling } from './settled.ts';
import { slicesOf } from './uid-set.ts';

/** An action of an IMAP message and its place among the actions. */
interface Entry {
  readonly index: number;
  readonly mailbox: string;
  readonly uidValidity: string;
  readonly uid: number;
  readonly action: Action['action'];
}

/** The same thing to be done to many messages of a mailbox. */
interface Job {
  readonly entries: Entry[];
  readonly perform: (settling: Settling, uids: readonly number[]) => Promise<SettledByUid>;
}

/** A mailbox that cannot be acted on has this end for all of its actions. */
type Entrance = { readonly settling: Settling } | { readonly closed: Settled };

const UNSETTLED = retry('the session ended before this was done');

/**
 * Does what was decided for messages, mailbox by mailbox: marks first, then moves, then deletions. One result for each
 * action, in their order. It does not throw MailError: what was done before the session broke must not be forgotten.
 */
export async function settleActions(
  session: ImapSession,
  directory: Directory,
  actions: readonly Action[],
): Promise<ActionResult[]> {
  const settled: Settled[] = actions.map(({ source, action }) => {
    if (source.protocol !== 'imap') return refused('it is not a message of an IMAP mailbox');
    return action.kind === 'none' ? DONE : UNSETTLED;
  });
  const settle = (entries: readonly Entry[], results: (uid: number) => Settled | undefined) => {
    for (const { index, uid } of entries) settled[index] = results(uid) ?? UNSETTLED;
  };
  for (const group of groupsOf(actions)) {
    const entrance = await orRetry(() => enter(session, directory, group));
    if ('closed' in entrance) {
      settle(group, () => entrance.closed);
      continue;
    }
    for (const { entries, perform } of jobsOf(group)) {
      for (const slice of slicesOf(entries, MAX_UIDS_PER_COMMAND)) {
        const uids = slice.map(({ uid }) => uid);
        const results = await orRetry(() => perform(entrance.settling, uids));
        settle(slice, (uid) => ('closed' in results ? results.closed : results.get(uid)));
      }
    }
  }
  return actions.map(({ key }, index) => ({ key, ...(settled[index] ?? UNSETTLED) }));
}

async function orRetry<Result>(work: () => Promise<Result>): Promise<Result | { readonly closed: Settled }> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof MailError) return { closed: retry(error.message) };
    throw error;
  }
}

async function enter(session: ImapSession, directory: Directory, group: readonly Entry[]): Promise<Entrance> {
  const { mailbox = '', uidValidity } = group[0] ?? {};
  const opened = await openIfThere(session, directory, mailbox, 'select');
  if (opened === null) return { closed: { result: 'void', reason: 'the mailbox is not there any more' } };
  if (opened.uidValidity !== uidValidity) {
    const reason = `the UIDVALIDITY of the mailbox is ${opened.uidValidity} now, so the UID means another message`;
    return { closed: { result: 'void', reason } };
  }
  if (!opened.writable) return { closed: refused('the mailbox is read-only') };
  return { settling: { session, directory, mailbox: opened } };
}

/** By mailbox and UIDVALIDITY, in the order of their first actions. */
function groupsOf(actions: readonly Action[]): Entry[][] {
  const groups = new Map<string, Entry[]>();
  actions.forEach(({ source, action }, index) => {
    if (source.protocol !== 'imap' || action.kind === 'none') return;
    const { mailbox, uidValidity, uid } = source;
    add(groups, `${uidValidity} ${mailbox}`, { index, mailbox, uidValidity, uid, action });
  });
  return [...groups.values()];
}

function jobsOf(entries: readonly Entry[]): Job[] {
  const flags = new Map<string, Entry[]>();
  const moves = new Map<string, Entry[]>();
  const deletions: Entry[] = [];
  for (const entry of entries) {
    const { action } = entry;
    if (action.kind === 'mark-seen') add(flags, '\\Seen', entry);
    if (action.kind === 'flag') add(flags, action.keyword, entry);
    if (action.kind === 'move') add(moves, action.mailbox, entry);
    if (action.kind === 'delete') deletions.push(entry);
  }
  return [
    ...[...flags].map(
      ([flag, entries]): Job => ({ entries, perform: (at, uids) => addFlag(at, uids, flag) }),
    ),
    ...[...moves].map(
      ([to, entries]): Job => ({ entries, perform: (at, uids) => moveMessages(at, uids, to) }),
    ),
    { entries: deletions, perform: deleteMessages },
  ];
}

function add(map: Map<string, Entry[]>, key: string, entry: Entry): void {
  const entries = map.get(key);
  if (entries === undefined) map.set(key, [entry]);
  else entries.push(entry);
}
