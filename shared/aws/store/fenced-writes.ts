import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { Fence } from '../../ports/store.ts';
import { leaseKey } from './keys.ts';
import { fenceCheck, tokenOf } from './lease.ts';
import { attribute } from './marshal.ts';
import { getItem, idOf, type Table } from './requests.ts';
import { persist } from './retry.ts';
import {
  MAX_ACTIONS,
  MAX_TRANSACTION_BYTES,
  type Refusal,
  transact,
  type Write,
  writtenKey,
} from './writes.ts';

/** Writes that go together or not at all. */
export interface Unit {
  readonly writes: readonly Write[];
  /** What is written in place of the unit when one of its conditions does not hold; null for nothing. */
  readonly otherwise: (refusals: readonly Refusal[]) => Promise<Unit | null> | Unit | null;
}

/** One action of each transaction is the check of the fence. */
const MAX_UNIT_ACTIONS = MAX_ACTIONS - 1;

/**
 * Writes units in their order, in as few transactions as they fit into, each under the fence. The last unit is written only
 * when all before it are. A unit that is refused harms no other.
 */
export async function writeUnits(
  table: Table,
  fence: Fence,
  units: readonly Unit[],
): Promise<'ok' | 'fenced'> {
  if (units.length === 0) return (await holdsLease(table, fence)) ? 'ok' : 'fenced';
  let left = [...units];
  while (left.length > 0) {
    const size = fittingUnits(left);
    const written = await writeGroup(table, fence, left.slice(0, size));
    if (written === 'fenced') return 'fenced';
    left = left.slice(size);
  }
  return 'ok';
}

/** Whether the fence is still that of the account's lease. */
async function holdsLease(table: Table, fence: Fence): Promise<boolean> {
  const lease = await getItem(table, leaseKey(fence.accountId), ['leaseToken']);
  return lease?.leaseToken?.S === tokenOf(fence).lease;
}

/** How many of the first units fit into one transaction, which has each item at most once. */
function fittingUnits(units: readonly Unit[]): number {
  const keys = new Set<string>();
  let actions = 0;
  let bytes = 0;
  for (const [index, { writes }] of units.entries()) {
    const own = writes.map((write) => idOf(writtenKey(write)));
    actions += writes.length;
    for (const write of writes) bytes += sizeOf(write);
    const fits = actions <= MAX_UNIT_ACTIONS && bytes <= MAX_TRANSACTION_BYTES;
    if (index > 0 && (!fits || own.some((key) => keys.has(key)))) return index;
    if (actions > MAX_UNIT_ACTIONS) {
      throw new RangeError(
        `Cannot write ${writes.length} items in one transaction: at most ${MAX_UNIT_ACTIONS}`,
      );
    }
    for (const key of own) keys.add(key);
  }
  return units.length;
}

async function writeGroup(table: Table, fence: Fence, group: readonly Unit[]): Promise<'ok' | 'fenced'> {
  let units = [...group];
  return await persist<'ok' | 'fenced'>(table, 'write what a poll found', async () => {
    if (units.length === 0) return 'ok';
    const refusals = await transact(table, [fenceCheck(fence), ...units.flatMap(({ writes }) => writes)]);
    if (refusals.length === 0) return 'ok';
    if (refusals.some(({ index }) => index === 0)) return 'fenced';
    units = await withoutRefused(units, refusals);
    return null;
  });
}

async function withoutRefused(units: readonly Unit[], refusals: readonly Refusal[]): Promise<Unit[]> {
  const next: Unit[] = [];
  let first = 1;
  for (const unit of units) {
    const from = first;
    first += unit.writes.length;
    const own = refusals
      .filter(({ index }) => index >= from && index < first)
      .map(({ index, item }) => ({ index: index - from, item }));
    const instead = own.length === 0 ? unit : await unit.otherwise(own);
    if (instead !== null) next.push(instead);
  }
  return next;
}

/** About as many bytes as the write counts for. */
function sizeOf(write: Write): number {
  const item = write.kind === 'put' ? Object.entries(write.item) : [];
  const values = Object.entries(write.values ?? {}).map(([name, value]) => [name, attribute(value)] as const);
  return [...item, ...values].reduce((sum, [name, value]) => sum + name.length + bytesOf(value), 100);
}

function bytesOf({ S, N, B }: AttributeValue): number {
  return Buffer.byteLength(S ?? N ?? '', 'utf8') + (B?.length ?? 0);
}
