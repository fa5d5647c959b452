import { removalSlice } from './account-removal.ts';
import { type Chore, endChore, holdChore, putOffChore } from './chores.ts';
import { INDEX_LAG_MS, isoOf, type StoreContext } from './context.ts';
import type { Key } from './keys.ts';
import { ledgerSlice } from './ledger-expiry.ts';
import { parkedSlice } from './parked-expiry.ts';
import { webhookSlice } from './webhook-removal.ts';

/** How often deliveries are looked for that have waited too long behind a gate. */
const PARKED_EVERY_MS = 6 * 3_600_000;

/** How a slice of a chore ended: something is left, something may come later, or nothing will. */
type SliceEnd =
  | { readonly kind: 'left' }
  | { readonly kind: 'later'; readonly notBefore: string; readonly isWatched: boolean }
  | { readonly kind: 'over' };

const LEFT: SliceEnd = { kind: 'left' };

/**
 * Works on a chore, so many slices of it at most. Resolves to `done` when nothing of it is left to be seen, to `left` when
 * something is, and to `busy` when somebody else works on it, or has done with it.
 */
export async function runChore(
  context: StoreContext,
  key: Key,
  { slices, goOn = () => true }: { readonly slices: number; readonly goOn?: () => boolean },
): Promise<'done' | 'left' | 'busy'> {
  const holder = context.newToken();
  for (let slice = 0; slice < slices && goOn(); slice++) {
    const now = context.clock.now();
    const chore = await holdChore(context, key, holder, now);
    if (chore === null) return 'busy';
    const end = await runSlice(context, chore, now);
    if (end.kind === 'over') await endChore(context, chore, holder);
    else {
      const next = end.kind === 'left' ? { notBefore: now.toISOString(), isWatched: chore.isWatched } : end;
      await putOffChore(context, chore, holder, next);
    }
    if (end.kind !== 'left') return 'done';
  }
  return 'left';
}

async function runSlice(context: StoreContext, chore: Chore, now: Date): Promise<SliceEnd> {
  switch (chore.kind) {
    case 'account':
      return (await removalSlice(context, chore)) ? removed(chore, now) : LEFT;
    case 'webhook':
      return (await webhookSlice(context, chore, now)) ? removed(chore, now) : LEFT;
    case 'ledger': {
      const notBefore = await ledgerSlice(context, chore, now);
      if (notBefore === 'over') return { kind: 'over' };
      return { kind: 'later', notBefore, isWatched: false };
    }
    case 'parked': {
      const notBefore = isoOf(now.getTime() + PARKED_EVERY_MS);
      return (await parkedSlice(context, now)) ? { kind: 'later', notBefore, isWatched: false } : LEFT;
    }
  }
}

/** After all that was to be seen is removed, what the index hid is looked for once more. */
function removed({ isWatched }: Chore, now: Date): SliceEnd {
  if (isWatched) return { kind: 'over' };
  return { kind: 'later', notBefore: isoOf(now.getTime() + INDEX_LAG_MS), isWatched: true };
}
