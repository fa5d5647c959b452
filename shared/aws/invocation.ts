import type { Account, StartPolicy } from '../account.ts';
import type { AccountId, EventId, WebhookId } from '../identity.ts';

/** What the admin function asks of the poll function; the answer is that of the method of `Operations` with this name. */
export type PollInvocation =
  | { readonly operation: 'testAccount'; readonly account: Account }
  | { readonly operation: 'baseline'; readonly id: AccountId; readonly start: StartPolicy }
  | { readonly operation: 'poll'; readonly ids: readonly AccountId[] };

/** What the admin function asks of the dispatch function; the answer is that of the method of `Operations` with this name. */
export type DispatchInvocation =
  | { readonly operation: 'testWebhook'; readonly id: WebhookId }
  | { readonly operation: 'revealSecret'; readonly id: WebhookId };

/** What the dispatch function asks of the files function; see `AttachmentContents`. */
export interface FilesInvocation {
  readonly operation: 'readContents';
  readonly eventId: EventId;
  readonly ids: readonly string[];
}
