import type { Account, StartPolicy } from '../../shared/account.ts';
import type { Attempt } from '../../shared/delivery.ts';
import type { AccountId, WebhookId } from '../../shared/identity.ts';
import type { AccountTest, Operations, PollReport } from '../../shared/operations.ts';

/** A poll that went well and found nothing. */
export const quietReport: PollReport = {
  name: '',
  outcome: 'ok',
  listed: 0,
  new: 0,
  committed: 0,
  settled: 0,
  error: null,
};

/** A test event that was taken. */
export const takenAttempt: Attempt = {
  at: '2026-01-01T00:00:00.000Z',
  trigger: 'test',
  status: 200,
  outcome: 'delivered',
  error: null,
  durationMs: 12,
  response: 'ok',
};

/** What admin asks of poll and dispatch, answered as a test says; remembers what it was asked. */
export class FakeOperations implements Operations {
  test: AccountTest = { ok: true, mailboxes: [{ name: 'INBOX', messages: 3 }] };
  report: PollReport = quietReport;
  /** Runs while a baseline is taken. */
  duringBaseline: (id: AccountId) => Promise<void> = async () => undefined;
  attempt: Attempt | null = takenAttempt;
  secrets: (id: WebhookId) => Promise<string | null> = async () => null;
  readonly tested: Account[] = [];
  readonly baselines: { id: AccountId; start: StartPolicy }[] = [];
  readonly polled: AccountId[][] = [];

  async testAccount(account: Account): Promise<AccountTest> {
    this.tested.push(account);
    return this.test;
  }

  async baseline(id: AccountId, start: StartPolicy): Promise<PollReport> {
    this.baselines.push({ id, start });
    await this.duringBaseline(id);
    return this.report;
  }

  async poll(ids: readonly AccountId[]): Promise<readonly PollReport[]> {
    this.polled.push([...ids]);
    return ids.map((id) => ({ ...this.report, name: id }));
  }

  async testWebhook(): Promise<Attempt | null> {
    return this.attempt;
  }

  revealSecret(id: WebhookId): Promise<string | null> {
    return this.secrets(id);
  }
}
