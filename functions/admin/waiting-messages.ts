import type { z } from 'zod';
import type { AccountId } from '../../shared/identity.ts';
import type { accountDetailSchema } from './account-schema.ts';
import type { AdminDeps } from './deps.ts';
import { everyItem } from './lookup.ts';

/** An account with more is in such trouble that the exact number says no more about it. */
const MAX_LOOKED_AT = 10_000;
const MAX_REASONS = 5;
/** What tells two failures apart that are one to a person: which message it was. */
const ONE_MESSAGE = /\b(UIDs?|RETR|byte) [\d:,*]+/g;

/** What waits in an account that was added a moment ago. */
export const NOTHING_WAITS = { messages: 0, oldestAt: null, reasons: [] };

/** How many messages of an account could not be fetched yet, since when, and why. */
export async function waitingMessages(
  { store }: Pick<AdminDeps, 'store'>,
  id: AccountId,
): Promise<z.input<typeof accountDetailSchema>['waiting']> {
  const reasons = new Map<string, { messages: number; nextTryAt: Date }>();
  let messages = 0;
  let oldestAt: Date | null = null;
  for await (const { error, openedAt, dueAt } of everyItem((page) => store.gaps(id, page))) {
    const text = error.replace(ONE_MESSAGE, '$1 …');
    const known = reasons.get(text);
    const nextTryAt = known !== undefined && known.nextTryAt < dueAt ? known.nextTryAt : dueAt;
    reasons.set(text, { messages: (known?.messages ?? 0) + 1, nextTryAt });
    if (oldestAt === null || openedAt < oldestAt) oldestAt = openedAt;
    if (++messages >= MAX_LOOKED_AT) break;
  }
  return {
    messages,
    oldestAt: oldestAt === null ? null : oldestAt.toISOString(),
    reasons: [...reasons]
      .sort(([, one], [, other]) => other.messages - one.messages)
      .slice(0, MAX_REASONS)
      .map(([error, one]) => ({ error, messages: one.messages, nextTryAt: one.nextTryAt.toISOString() })),
  };
}
