import type { AccountId } from '../../identity.ts';
import type { Cursor } from '../../ports/mail-source.ts';
import type { Fence, Progress, Store } from '../../ports/store.ts';
import { announceWork } from './account-due.ts';
import { ledgerChore } from './chores.ts';
import type { StoreContext } from './context.ts';
import { cursorWrite, type LedgerTime } from './cursor-item.ts';
import { type Unit, writeUnits } from './fenced-writes.ts';
import { openGap, rescheduleGap } from './gap-item.ts';
import { cursorKey, gapItemKey } from './keys.ts';
import { tokenOf } from './lease.ts';
import { json } from './marshal.ts';
import { getItem } from './requests.ts';
import { settlementUnits } from './settlement-units.ts';
import type { Write } from './writes.ts';

/** What a poll writes as it goes on. */
export function createProgress(context: StoreContext): Pick<Store, 'saveProgress'> {
  return { saveProgress: (fence, progress, now) => saveProgress(context, fence, progress, now) };
}

/**
 * The cursor is written last: a crash between two transactions of a very large progress leaves it where it was, so what is
 * behind it is done once more, and no message is passed over.
 */
async function saveProgress(
  context: StoreContext,
  fence: Fence,
  progress: Progress,
  now: Date,
): Promise<'ok' | 'fenced'> {
  const { accountId } = fence;
  const earliest = earliestWork(progress);
  if (earliest !== null) await announceWork(context, accountId, earliest, now);
  const units: Unit[] = [
    ...progress.opened.map((gap) => optional([openGap(accountId, gap, now)])),
    ...gapUnits(accountId, progress),
    ...(await settlementUnits(context, accountId, progress, now)),
    ...(progress.cursor === null ? [] : [await cursorUnit(context, fence, progress.cursor, now)]),
  ];
  return await writeUnits(context, fence, units);
}

function earliestWork({ opened, rescheduled }: Progress): string | null {
  const times = [...opened, ...rescheduled].map(({ dueAt }) => dueAt.toISOString());
  return times.sort()[0] ?? null;
}

/** What is left out when it is not as it must be: somebody else has closed it. */
function optional(writes: readonly Write[]): Unit {
  return { writes, otherwise: () => null };
}

function gapUnits(id: AccountId, { rescheduled, closed }: Progress): Unit[] {
  const units: Unit[] = [];
  for (const work of rescheduled) {
    const key = gapItemKey(id, work.key);
    if (key !== null) units.push(optional([rescheduleGap(key, work)]));
  }
  for (const work of closed) {
    const key = gapItemKey(id, work.key);
    if (key !== null) units.push(optional([{ kind: 'delete', key }]));
  }
  return units;
}

/** With a POP3 ledger that changed goes the work of letting the events expire whose UIDLs it has. */
async function cursorUnit(context: StoreContext, fence: Fence, cursor: Cursor, now: Date): Promise<Unit> {
  const { accountId } = fence;
  const { era } = tokenOf(fence);
  const ledger = await ledgerTime(context, accountId, cursor, now);
  const write = cursorWrite(accountId, cursor, era, ledger);
  const isNew = ledger !== 'unchanged' && ledger.savedAt !== null;
  return optional(isNew ? [write, ledgerChore(accountId, now)] : [write]);
}

async function ledgerTime(
  context: StoreContext,
  id: AccountId,
  cursor: Cursor,
  now: Date,
): Promise<LedgerTime> {
  if (cursor.protocol === 'imap') return 'unchanged';
  if (cursor.base === null) return { savedAt: null };
  const item = await getItem(context, cursorKey(id, ''), ['mailboxCursor']);
  const before = item && json<Cursor>(item, 'mailboxCursor');
  const isSame = before?.protocol === 'pop3' && before.base === cursor.base;
  return isSame ? 'unchanged' : { savedAt: now.toISOString() };
}
