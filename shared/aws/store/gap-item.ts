import type { AccountId } from '../../identity.ts';
import type { Listed } from '../../ports/mail-source.ts';
import type { Gap, Progress, WorkKey } from '../../ports/store.ts';
import { GAPS_PARTITION } from './index-keys.ts';
import { gapKey, type Key } from './keys.ts';
import { type Item, json, number, text, textOrNull } from './marshal.ts';
import type { Write } from './writes.ts';

/**
 * Opens a gap, or leaves alone the one that the message has already. Gaps of all accounts have a partition of the work index,
 * by the time they were opened, so that they can be counted without looking for them.
 */
export function openGap(
  id: AccountId,
  { item, dueAt, error }: Progress['opened'][number],
  openedAt: Date,
): Write {
  return {
    kind: 'update',
    key: gapKey(id, item.source),
    update: `SET gapItem = if_not_exists(gapItem, :item), gapDueAt = if_not_exists(gapDueAt, :dueAt),
      gapError = if_not_exists(gapError, :error), attempts = if_not_exists(attempts, :none),
      gsi1pk = :gaps, gsi1sk = if_not_exists(gsi1sk, :openedAt)`,
    values: {
      ...{ ':item': JSON.stringify(item), ':dueAt': dueAt.toISOString() },
      ...{ ':error': error, ':none': 0, ':gaps': GAPS_PARTITION, ':openedAt': openedAt.toISOString() },
    },
  };
}

/** Puts off a gap that is there. */
export function rescheduleGap(key: Key, { dueAt, error }: Progress['rescheduled'][number]): Write {
  return {
    ...{ kind: 'update', key, update: 'SET gapDueAt = :dueAt, gapError = :error ADD attempts :one' },
    condition: 'attribute_exists(gapItem)',
    values: { ':dueAt': dueAt.toISOString(), ':error': error, ':one': 1 },
  };
}

/** When the gap of an item is due. */
export function gapDueAt(item: Item): string {
  return text(item, 'gapDueAt');
}

/** The gap of an item. */
export function gapOf(item: Item): Gap {
  return {
    key: text(item, 'sk') as WorkKey,
    item: json<Listed>(item, 'gapItem'),
    attempts: number(item, 'attempts'),
    // Gaps from before there were counts are in no index: of them only the next try is known.
    openedAt: new Date(textOrNull(item, 'gsi1sk') ?? gapDueAt(item)),
    dueAt: new Date(gapDueAt(item)),
    error: text(item, 'gapError'),
  };
}
