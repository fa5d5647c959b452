import type { Account, StartPolicy } from './account.ts';
import type { Attempt } from './delivery.ts';
import type { AccountId, WebhookId } from './identity.ts';

/** How the poll of one account went; the API's answer, field by field. */
export interface PollReport {
  readonly name: string;
  readonly outcome: 'ok' | 'busy' | 'paused' | 'auth_failed' | 'error';
  /** Messages the listings showed that the cursors did not cover. */
  readonly listed: number;
  /** Of these, the ones not known. */
  readonly new: number;
  readonly committed: number;
  readonly settled: number;
  readonly error: { readonly code: string; readonly message: string } | null;
}

/** What a login with given settings found. */
export type AccountTest =
  | {
      readonly ok: true;
      readonly mailboxes: readonly { readonly name: string; readonly messages: number }[];
    }
  | { readonly ok: false; readonly code: string; readonly message: string };

/**
 * What the admin function asks of poll and dispatch, which alone may open secrets: in this process when embedded, by
 * invoking the functions on AWS. All of it waits for the end.
 */
export interface Operations {
  /** Logs in and opens every mailbox of the account, which need not be stored. Keeps nothing. */
  testAccount(account: Account): Promise<AccountTest>;
  /**
   * Takes the baseline of a stored account, its first or a new one in place of its cursors, so that of what is there now
   * only what `start` names is still delivered. Does not change the account's state.
   */
  baseline(id: AccountId, start: StartPolicy): Promise<PollReport>;
  /** Polls now, whatever the schedule or a back-off says, and waits for the polls (not the deliveries). */
  poll(ids: readonly AccountId[]): Promise<readonly PollReport[]>;
  /** Sends a signed `webhook.test` event once; null when there is no such webhook. */
  testWebhook(id: WebhookId): Promise<Attempt | null>;
  /** The newest secret, `whsec_…`; null when there is no such webhook. */
  revealSecret(id: WebhookId): Promise<string | null>;
}
