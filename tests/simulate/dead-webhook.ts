import { pollAccount } from '../../functions/poll/poll.ts';
import { deliveryKey, eventKey, type Key } from '../../shared/aws/store/keys.ts';
import { attributes } from '../../shared/aws/store/marshal.ts';
import { type DeliveryRef, parseDeliveryId } from '../../shared/identity.ts';
import type { Item } from '../support/dynamo/item-size.ts';
import type { MemoryTable } from '../support/dynamo/memory-table.ts';
import type { Cloud } from './cloud.ts';
import type { Population } from './population.ts';

const GO = { signal: new AbortController().signal, stopping: () => false };
const BASE32 = '234567abcdefghijklmnopqrstuvwxyz';
/** Behind nearly every id there is, so that the copies come last in their lists. */
const FIRST_CHARACTERS = 'zzzz';
const ID_CHARACTERS = 26;

/**
 * Makes the last webhook one that answers 503 and asks for an hour's rest, and lets so many deliveries wait behind its gate:
 * two mails go there for real, and the waiting ones are copies, under other ids, of what became of the second.
 */
export async function killWebhook(
  cloud: Cloud,
  { accounts, webhooks }: Population,
  waiting: number,
): Promise<void> {
  const webhook = webhooks.at(-1);
  const account = accounts[webhooks.length - 1];
  if (webhook === undefined || account === undefined) throw new Error('There is no webhook with an account');
  cloud.receivers.behave(webhook.url, 'busy');
  const deps = cloud.pollDeps();
  for (let mail = 0; mail < 2; mail++) {
    cloud.mail.deliver(account.username);
    await cloud.time.runThrough(pollAccount(deps, account.id, 'manual', GO));
    await cloud.untilDelivered();
  }
  const { store } = cloud.ports('dispatch');
  const filter = { webhookId: webhook.id, state: 'parked' } as const;
  const { data } = await cloud.time.runThrough(store.deliveries(filter, { after: null, limit: 1 }));
  const ref = parseDeliveryId(data[0]?.id ?? '');
  if (ref === null) throw new Error('No delivery waits for the dead webhook');
  for (let copy = 0; copy < waiting; copy++) copyMessage(cloud.dynamo.table, ref, copy);
}

/** Copies an event and its delivery. */
function copyMessage(table: MemoryTable, ref: DeliveryRef, copy: number): void {
  const id = `msg_${digits(copy)}`;
  for (const key of [eventKey(ref.eventId), deliveryKey(ref)]) {
    const item = table.get(itemKey(key)) ?? {};
    const renamed = Object.entries(item).map(([name, value]) => {
      const text = value.S;
      return [name, text?.includes(ref.eventId) ? { S: text.replace(ref.eventId, id) } : value] as const;
    });
    const made: Item = Object.fromEntries(renamed);
    table.write(made, null, made);
  }
}

function itemKey(key: Key): Item {
  return attributes({ ...key });
}

function digits(number: number): string {
  let left = number;
  let text = '';
  while (text.length < ID_CHARACTERS - FIRST_CHARACTERS.length) {
    text = (BASE32[left % BASE32.length] ?? '') + text;
    left = Math.floor(left / BASE32.length);
  }
  return FIRST_CHARACTERS + text;
}
