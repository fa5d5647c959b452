import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Protocol } from '../../shared/identity.ts';
import { type Dovecot, startDovecot } from '../support/dovecot.ts';
import { generateMails } from '../support/mail-generator.ts';
import { type Product, startProduct } from '../support/product.ts';
import { type Receiver, startReceiver } from '../support/receiver.ts';

/** Two forms of UIDL that a change of server software is like: nothing of the one is found in the other. */
const UIDL_BEFORE = 'pop3_uidl_format = %08Xu%08Xv';
const UIDL_AFTER = 'pop3_uidl_format = %f';
const OLD = generateMails({ seed: 21, count: 40, totalBytes: 400_000 });
const NEW = generateMails({ seed: 22, count: 3, totalBytes: 30_000 });

let dovecot: Dovecot;
let product: Product;
let receiver: Receiver;
let folder: string;

beforeEach(async () => {
  dovecot = await startDovecot({ settings: UIDL_BEFORE });
  folder = mkdtempSync(join(tmpdir(), 'mailhook-continuity-'));
  product = await startProduct(folder);
  receiver = await startReceiver();
  await product.call('POST', '/webhooks', { url: receiver.url, events: ['*'] });
});

afterEach(async () => {
  await product.kill();
  await receiver.close();
  await dovecot.stop();
  rmSync(folder, { recursive: true, force: true });
});

it.each(['imap', 'pop3'] as const)(
  'mails delivered once are not delivered again when %s names them anew',
  async (protocol) => {
    await dovecot.deliverAll('ana', OLD);
    await addAccount(protocol, 'all');
    await poll();
    await receiver.whenAccepted(OLD.length);
    await breakContinuity(protocol);
    await dovecot.deliverAll('ana', NEW);
    await poll();
    await receiver.whenAccepted(OLD.length + NEW.length + 1);
    expect(await messages()).toBe(OLD.length + NEW.length);
    expect(resetsReceived()).toBe(1);
  },
);

it.each(['imap', 'pop3'] as const)(
  'mails from before mailhook stay undelivered when %s names them anew',
  async (protocol) => {
    for (const mail of OLD) await dovecot.deliver('ana', mail, 'INBOX', new Date('2020-01-02T03:04:05Z'));
    await addAccount(protocol, 'now');
    await poll();
    await breakContinuity(protocol);
    await dovecot.deliverAll('ana', NEW);
    await poll();
    await receiver.whenAccepted(NEW.length + 1);
    expect(await messages()).toBe(NEW.length);
    expect(resetsReceived()).toBe(1);
  },
);

it('other mails under the UIDs of a mailbox that was made anew are all delivered', async () => {
  await dovecot.deliverAll('ana', OLD, 'Project');
  await addAccount('imap', 'all', ['Project']);
  await poll();
  await receiver.whenAccepted(OLD.length);
  rmSync(join(dovecot.folder, 'mail', 'ana', 'Maildir', '.Project'), { recursive: true });
  await dovecot.deliverAll('ana', NEW, 'Project');
  await poll();
  await receiver.whenAccepted(OLD.length + NEW.length + 1);
  expect(await messages()).toBe(OLD.length + NEW.length);
});

async function addAccount(protocol: Protocol, start: string, mailboxes?: readonly string[]): Promise<void> {
  await product.call('POST', '/accounts', {
    name: 'ana',
    protocol,
    host: dovecot.host,
    port: dovecot.ports[protocol],
    security: 'none',
    username: 'ana',
    password: 'secret',
    start,
    intervalSeconds: 86_400,
    ...(mailboxes && { mailboxes }),
  });
}

async function poll(): Promise<void> {
  const answer = await product.call<{ accounts: { outcome: string }[] }>('POST', '/poll', {});
  expect(answer.accounts.map(({ outcome }) => outcome)).toEqual(['ok']);
}

async function breakContinuity(protocol: Protocol): Promise<void> {
  if (protocol === 'imap') dovecot.resetUidValidity('ana');
  else await dovecot.restart(UIDL_AFTER);
}

/** How many messages were taken for new, delivered already or not. */
async function messages(): Promise<number> {
  return (await product.call<{ data: unknown[] }>('GET', '/messages?limit=200')).data.length;
}

/** How often the owner was told that identifiers changed. */
function resetsReceived(): number {
  const resets = receiver.requests.filter(({ body }) => JSON.parse(body.toString()).type === 'mailbox.reset');
  return new Set(resets.map(({ id }) => id)).size;
}
