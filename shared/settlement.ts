import type { AccountSettings, ServerAction } from './account.ts';

/** What a message's deliveries came to. */
export type SettlementCause = 'delivered' | 'failed';

/** One thing to do to a message on its server, at its time. */
export interface SettlementStep {
  readonly cause: SettlementCause;
  readonly action: ServerAction;
  readonly dueAt: Date;
}

const DAY_MS = 86_400_000;

/**
 * What follows from a message's ended deliveries (design: none open; any failed: `on-failed`; else at least one
 * delivered: `on-delivered`, and the deletion that `--delete-after` asks for; no delivery or all skipped: nothing).
 * At most two steps, in the order of their time.
 */
export function settlementSteps(
  counts: { readonly open: number; readonly delivered: number; readonly failed: number },
  policy: Pick<AccountSettings, 'onDelivered' | 'onFailed' | 'deleteAfterDays'>,
  endedAt: Date,
): SettlementStep[] {
  if (counts.open > 0) return [];
  if (counts.failed > 0) {
    return policy.onFailed.kind === 'none'
      ? []
      : [{ cause: 'failed', action: policy.onFailed, dueAt: endedAt }];
  }
  if (counts.delivered === 0) return [];
  const steps: SettlementStep[] = [];
  if (policy.onDelivered.kind !== 'none') {
    steps.push({ cause: 'delivered', action: policy.onDelivered, dueAt: endedAt });
  }
  if (policy.deleteAfterDays !== null) {
    const dueAt = deletionTime(endedAt, policy.deleteAfterDays);
    steps.push({ cause: 'delivered', action: { kind: 'delete' }, dueAt });
  }
  return steps;
}

/**
 * From when on the owner still wants what was decided when the deliveries ended at `endedAt`: the present settings can only
 * take it back (null) or, where they keep messages longer than those of then, put it off.
 */
export function wantedFrom(
  step: SettlementStep,
  policy: Pick<AccountSettings, 'onDelivered' | 'onFailed' | 'deleteAfterDays'>,
  endedAt: Date,
): Date | null {
  const atOnce = step.cause === 'failed' ? policy.onFailed : policy.onDelivered;
  if (sameAction(step.action, atOnce)) return step.dueAt;
  if (step.cause === 'failed' || step.action.kind !== 'delete') return null;
  return policy.deleteAfterDays === null ? null : deletionTime(endedAt, policy.deleteAfterDays);
}

function deletionTime(endedAt: Date, days: number): Date {
  return new Date(endedAt.getTime() + days * DAY_MS);
}

function sameAction(a: ServerAction, b: ServerAction): boolean {
  if (a.kind === 'flag') return b.kind === 'flag' && a.keyword === b.keyword;
  if (a.kind === 'move') return b.kind === 'move' && a.mailbox === b.mailbox;
  return a.kind === b.kind;
}
