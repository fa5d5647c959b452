import type { AccountId, WebhookId } from '../../identity.ts';
import { takesEvent } from '../../webhook.ts';
import { mapAtOnce } from './at-once.ts';
import { AT_ONCE } from './context.ts';
import { selectionKey, selectionPartition } from './keys.ts';
import { text } from './marshal.ts';
import { firstItems, type Table } from './requests.ts';
import { readWebhooks, type StoredWebhook } from './webhook-item.ts';
import { remove, update } from './writes.ts';

/**
 * A webhook may select more accounts than a transaction has room for, so each selected account has a note of its own that
 * the webhook may select it. A note is written before the webhook selects and deleted after it does not any more; the
 * webhook itself decides, so a note too many does no harm. Its revision keeps a late deletion from taking a newer note.
 */
const IS_OLDER = 'attribute_not_exists(revision) OR revision < :revision';
const IS_NOT_NEWER = 'revision <= :revision';

type Selection = Pick<StoredWebhook, 'id' | 'accounts' | 'revision'>;

/** Notes that the webhook may select these accounts, null for all. */
export async function noteSelections(table: Table, { id, accounts, revision }: Selection): Promise<void> {
  await mapAtOnce<AccountId | null, void>(accounts ?? [null], AT_ONCE, async (account) => {
    await update(table, {
      ...{ key: selectionKey(account, id), update: 'SET revision = :revision', condition: IS_OLDER },
      values: { ':revision': revision },
    });
  });
}

/** Deletes the notes that the webhook may select these accounts, null for all, unless they were written later. */
export async function dropSelections(table: Table, { id, accounts, revision }: Selection): Promise<void> {
  await mapAtOnce<AccountId | null, void>(accounts ?? [null], AT_ONCE, async (account) => {
    await remove(table, selectionKey(account, id), IS_NOT_NEWER, { ':revision': revision });
  });
}

/** The webhooks that select the account and take this type of event. */
export async function subscribersOf(table: Table, id: AccountId, eventType: string): Promise<WebhookId[]> {
  const notes = await Promise.all(
    [null, id].map((account) => firstItems(table, { partition: selectionPartition(account) })),
  );
  const ids = [...new Set(notes.flat().map((note) => text(note, 'sk') as WebhookId))];
  const webhooks = await readWebhooks(table, ids);
  return [...webhooks.values()]
    .filter(({ accounts, events }) => (accounts?.includes(id) ?? true) && takesEvent(events, eventType))
    .map((webhook) => webhook.id);
}
