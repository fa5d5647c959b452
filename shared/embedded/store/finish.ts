import type { Attempt, Outcome } from '../../delivery.ts';
import type { AccountId, WebhookId } from '../../identity.ts';
import type { BlobRef } from '../../ports/blobs.ts';
import type { Claim, Store } from '../../ports/store.ts';
import { adoptBlobs, dropBlob } from '../blob-rows.ts';
import type { Database } from '../database.ts';
import { refreshAccountDue } from './account-due.ts';
import type { StoreContext } from './context.ts';
import { type DeliveryKey, endDelivery, parkDelivery } from './delivery-state.ts';
import { closeGate, refreshGateDue } from './gate.ts';

/** So many attempts of a delivery are kept, the latest. */
const MAX_ATTEMPTS = 20;

interface FinishRow extends DeliveryKey {
  readonly claim_token: string | null;
  readonly attempts: string | null;
  readonly body: BlobRef | null;
}

type Done = { readonly claim: Claim; readonly outcome: Outcome };

/** How attempts end. */
export function createFinish(context: StoreContext): Pick<Store, 'finish' | 'freeze'> {
  return {
    freeze: (claim, body) => context.writer.write(() => freeze(context, claim, body)),
    finish(done, now) {
      if (done.length === 0) return Promise.resolve();
      return context.writer.write(() => finish(context, done, now.getTime()));
    },
  };
}

function finish(context: StoreContext, done: readonly Done[], nowMs: number): void {
  const { database } = context;
  const settling = new Set<AccountId>();
  const succeeded = new Set<WebhookId>();
  for (const { claim, outcome } of done) {
    const row = deliveryRow(database, claim);
    if (row === undefined || !counts(row, claim, outcome)) continue;
    recordAttempt(database, row, outcome);
    const account = conclude(context, row, { claim, outcome }, nowMs);
    if (account !== null) settling.add(account);
    if (outcome.kind === 'delivered') succeeded.add(claim.webhook.id);
  }
  for (const id of succeeded) {
    database.run('UPDATE webhooks SET last_success_at = ? WHERE id = ?', nowMs, id);
  }
  for (const id of settling) refreshAccountDue(database, id);
}

function freeze({ database, packs }: StoreContext, claim: Claim, body: BlobRef): 'ok' | 'lost' {
  const row = deliveryRow(database, claim);
  if (row === undefined || !isHeld(row, claim)) return 'lost';
  replaceBody({ database, packs }, row, { body, reduced: false });
  return 'ok';
}

function replaceBody(
  { database, packs }: Pick<StoreContext, 'database' | 'packs'>,
  row: FinishRow,
  { body, reduced }: { readonly body: BlobRef; readonly reduced: boolean },
): void {
  if (body === row.body) return;
  database.run('UPDATE deliveries SET body = ?, reduced = ? WHERE seq = ?', body, reduced ? 1 : 0, row.seq);
  adoptBlobs(database, packs, [body]);
  dropBlob(database, row.body);
}

function deliveryRow(database: Database, { ref }: Claim): FinishRow | undefined {
  return database.get<FinishRow>(
    `SELECT d.seq, d.event, d.state, d.claim_token, d.attempts, d.body
     FROM events e JOIN deliveries d ON d.event = e.seq AND d.webhook_id = ?2 WHERE e.id = ?1`,
    ref.eventId,
    ref.webhookId,
  );
}

/** Of a claim that was lost only a success counts: the receiver has it, whoever attempts it now. */
function counts(row: FinishRow, claim: Claim, outcome: Outcome): boolean {
  return isHeld(row, claim) || (outcome.kind === 'delivered' && row.state !== 'delivered');
}

function isHeld({ state, claim_token }: FinishRow, { token }: Claim): boolean {
  return state === 'pending' && claim_token === token;
}

function recordAttempt(database: Database, row: FinishRow, outcome: Outcome): void {
  const before = row.attempts === null ? [] : (JSON.parse(row.attempts) as Attempt[]);
  const isCharged = outcome.kind === 'retry' ? outcome.charged : outcome.kind !== 'disable';
  database.run(
    `UPDATE deliveries SET attempts = ?, attempt_count = attempt_count + ?, trigger = 'schedule' WHERE seq = ?`,
    JSON.stringify([...before, outcome.attempt].slice(-MAX_ATTEMPTS)),
    isCharged ? 1 : 0,
    row.seq,
  );
}

/** What becomes of the delivery; the account that has something to settle now, or null. */
function conclude(
  context: StoreContext,
  row: FinishRow,
  { claim: { webhook }, outcome }: Done,
  nowMs: number,
): AccountId | null {
  const { database } = context;
  switch (outcome.kind) {
    case 'delivered':
    case 'exhausted':
    case 'rejected':
      return endDelivery(database, row, outcome.kind, nowMs);
    case 'retry':
      retry(context, row, outcome);
      if (outcome.gateUntil !== null) closeGate(database, webhook.id, outcome.gateUntil.getTime(), nowMs);
      return null;
    case 'disable':
      parkDelivery(database, row, nowMs);
      database.run(
        `UPDATE webhooks SET state = 'disabled', reason = ?, gate_until = NULL WHERE id = ?`,
        outcome.reason,
        webhook.id,
      );
      refreshGateDue(database, webhook.id, nowMs);
      return null;
  }
}

function retry(
  { database, packs }: StoreContext,
  row: FinishRow,
  outcome: Extract<Outcome, { kind: 'retry' }>,
): void {
  const { nextBody } = outcome;
  const nextMs = outcome.nextAttemptAt.getTime();
  database.run(
    `UPDATE deliveries SET next_attempt_at = ?, due_at = ?, claim_token = NULL, claim_until = NULL WHERE seq = ?`,
    nextMs,
    nextMs,
    row.seq,
  );
  if (nextBody !== null) replaceBody({ database, packs }, row, { body: nextBody, reduced: true });
}
