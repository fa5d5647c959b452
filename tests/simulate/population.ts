import type { Account, AccountSettings } from '../../shared/account.ts';
import {
  type AccountId,
  accountIdOf,
  type Protocol,
  type WebhookId,
  webhookIdOf,
} from '../../shared/identity.ts';
import type { Webhook } from '../../shared/webhook.ts';
import { newSecret } from '../../shared/webhook-secret.ts';
import { ASSUMED } from './assumptions.ts';
import type { Cloud } from './cloud.ts';

/** So many accounts are added at once: they have nothing to do with each other. */
const AT_ONCE = 100;

export interface Population {
  readonly accounts: readonly Pick<Account, 'id' | 'username'>[];
  readonly webhooks: readonly Pick<Webhook, 'id' | 'url'>[];
}

/** Whom to add. */
export interface Wanted {
  readonly accounts: number;
  /** Each account is selected by one of them, all in turn. */
  readonly webhooks: number;
  /** @default 'imap' */
  readonly protocol?: Protocol;
  /** @default 300 */
  readonly intervalSeconds?: number;
  readonly settings?: Partial<AccountSettings>;
}

/** Adds accounts, whose first polls take their baselines, and webhooks. */
export async function populate(cloud: Cloud, wanted: Wanted): Promise<Population> {
  const deps = cloud.ports('poll');
  const accounts: Account[] = [];
  const add = async (number: number): Promise<void> => {
    const account = await newAccount(cloud, deps.vault, settingsOf(number, wanted));
    accounts[number] = account;
    await deps.store.createAccount(account);
  };
  for (let number = 0; number < wanted.accounts; number += AT_ONCE) {
    const length = Math.min(AT_ONCE, wanted.accounts - number);
    await cloud.time.runThrough(Promise.all(Array.from({ length }, (_, at) => add(number + at))));
  }
  const webhooks: Webhook[] = [];
  const ports = cloud.ports('dispatch');
  for (let number = 0; number < wanted.webhooks; number++) {
    const selected = accounts.filter((_, at) => at % wanted.webhooks === number).map(({ id }) => id);
    webhooks.push(await cloud.time.runThrough(addWebhook(ports, number, selected)));
  }
  return { accounts, webhooks };
}

async function addWebhook(
  { store, vault, clock }: ReturnType<Cloud['ports']>,
  number: number,
  accounts: readonly AccountId[],
): Promise<Webhook> {
  const random = Buffer.alloc(10);
  random.writeUInt32BE(number);
  const id: WebhookId = webhookIdOf(random);
  const secret = Buffer.from(newSecret((sizeBytes) => Buffer.alloc(sizeBytes, number)));
  const sealed = await vault.seal('webhook-secret', id, secret);
  const webhook: Webhook = {
    ...{ id, name: `hook ${number}`, url: `https://hooks${number}.example.com/mail`, accounts },
    ...{ events: ['message.*'], timeoutSeconds: 15, attachments: 'link', headers: null, headerNames: [] },
    ...{ secrets: [{ sealed, expiresAt: null }], state: 'enabled', reason: null, gate: null },
    ...{ lastSuccessAt: null, createdAt: clock.now().toISOString() },
  };
  await store.createWebhook(webhook);
  return webhook;
}

function settingsOf(number: number, wanted: Wanted): AccountSettings {
  const host = `mail${Math.floor(number / ASSUMED.accountsPerHost)}.example.com`;
  const protocol = wanted.protocol ?? 'imap';
  return {
    ...{ name: `account ${number}`, protocol, host, port: protocol === 'imap' ? 993 : 995, security: 'tls' },
    ...{ username: `user${number}@${host}`, mailboxes: protocol === 'imap' ? ['INBOX'] : [] },
    ...{ intervalSeconds: wanted.intervalSeconds ?? 300, start: { kind: 'now' } },
    ...{ onDelivered: { kind: 'none' }, onFailed: { kind: 'none' }, deleteAfterDays: null },
    ...{ maxSizeBytes: 30_000_000, caPem: null, tlsAllowInvalidCertificate: false },
    ...wanted.settings,
  };
}

async function newAccount(
  cloud: Cloud,
  vault: ReturnType<Cloud['ports']>['vault'],
  settings: AccountSettings,
): Promise<Account> {
  const id = accountIdOf(settings);
  const credential = await vault.seal('mailbox-credential', id, Buffer.from('a password of 20 chars'));
  return {
    ...settings,
    ...{ id, loginId: id, auth: 'password', credential, state: 'active', reason: null, held: 0 },
    ...{ notBefore: null, consecutiveFailures: 0, transitions: 0, lastPollAt: null, lastSuccessAt: null },
    ...{ lastError: null, createdAt: cloud.time.now().toISOString() },
  };
}
