import { createHash } from 'node:crypto';
import {
  type CancellationReason,
  IdempotentParameterMismatchException,
  TransactionCanceledException,
  type TransactWriteItemsCommandInput,
  type TransactWriteItemsCommandOutput,
} from '@aws-sdk/client-dynamodb';
import { FREE, sumCosts } from './capacity.ts';
import { itemSize } from './item-size.ts';
import { keyOf, type MemoryTable } from './memory-table.ts';
import type { Answered } from './read-operations.ts';
import { validationError } from './validation-error.ts';
import { carryOut, costOf, type Planned, planWrite, Refused } from './write-operations.ts';

const MAX_ACTIONS = 100;
const MAX_BYTES = 4 * 1_024 * 1_024;
const READ_UNIT_BYTES = 4_096;
const META = { $metadata: {} };

/** The transactions of a table: all of one or nothing, and once for each token. */
export class Transactions {
  /** The digest of what was done under each token. */
  readonly #done = new Map<string, string>();
  readonly #table: MemoryTable;

  constructor(table: MemoryTable) {
    this.#table = table;
  }

  write(input: TransactWriteItemsCommandInput): Answered<TransactWriteItemsCommandOutput> {
    const actions = input.TransactItems ?? [];
    if (actions.length === 0 || actions.length > MAX_ACTIONS) {
      throw validationError('A transaction must have from 1 to 100 actions');
    }
    const token = input.ClientRequestToken ?? null;
    const digest = createHash('sha256').update(JSON.stringify(actions)).digest('hex');
    const before = token === null ? undefined : this.#done.get(token);
    if (before !== undefined && before !== digest) {
      throw new IdempotentParameterMismatchException({ ...META, message: 'Other parameters for this token' });
    }
    const planned = actions.map((action) => planWrite(this.#table, action));
    checkPlan(planned);
    // Measured against AWS by others: asking again is a transactional read of each item.
    if (before !== undefined) return { output: META, cost: sumCosts(planned.map(repeatCost)) };
    const cost = sumCosts(planned.map((one) => costOf(one, true)));
    if (planned.some(({ holds }) => !holds)) {
      // None of it is written, so no index is; what was prepared is paid for.
      throw new Refused(cancelled(planned), { ...cost, indexWriteUnits: {} });
    }
    for (const one of planned) carryOut(this.#table, one);
    if (token !== null) this.#done.set(token, digest);
    return { output: META, cost };
  }
}

function checkPlan(planned: readonly Planned[]): void {
  const keys = new Set(planned.map(({ key }) => JSON.stringify(keyOf(key))));
  if (keys.size < planned.length) {
    throw validationError('Transaction request cannot include multiple operations on one item');
  }
  const bytes = planned.reduce((sum, { before, after }) => sum + itemSize(after ?? before ?? {}), 0);
  if (bytes > MAX_BYTES) throw validationError('The aggregate size of the items exceeds 4 MB');
}

function repeatCost({ after }: Planned) {
  const bytes = after === null ? 0 : itemSize(after);
  return { ...FREE, readUnits: 2 * Math.max(1, Math.ceil(bytes / READ_UNIT_BYTES)) };
}

function cancelled(planned: readonly Planned[]): TransactionCanceledException {
  const reasons = planned.map(({ holds, returnsItem, before }): CancellationReason => {
    if (holds) return { Code: 'None' };
    const item = returnsItem && before !== null ? { Item: { ...before } } : {};
    return { Code: 'ConditionalCheckFailed', Message: 'The conditional request failed', ...item };
  });
  const codes = reasons.map(({ Code }) => Code).join(', ');
  const message = `Transaction cancelled, please refer cancellation reasons for specific reasons [${codes}]`;
  return new TransactionCanceledException({ ...META, message, CancellationReasons: reasons });
}
