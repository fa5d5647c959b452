import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { takeBaseline } from '../../../functions/poll/take-baseline.ts';
import { type ImapServer, startImapServer } from '../../../local/demo/imap-server.ts';
import { startPop3Server } from '../../../local/demo/pop3-server.ts';
import { accountIdOf, type WebhookId } from '../../../shared/identity.ts';
import type { OpenMailSource } from '../../../shared/ports/mail-source.ts';
import { addWebhook, openPollWorld, PASSWORD, type PollWorld, smallMail } from '../../support/poll-world.ts';

const DAY_MS = 86_400_000;
const stop = { signal: new AbortController().signal, stopping: () => false };

let server: ImapServer;
let world: PollWorld;

beforeEach(async () => {
  server = await startImapServer({ users: { ana: { password: PASSWORD } } });
  world = await openPollWorld();
});
afterEach(async () => {
  await world[Symbol.asyncDispose]();
  await server.close();
});

const inbox = () => server.mailbox('ana');
const arrive = (from: number, count: number, receivedAt = world.clock.now()) => {
  for (let n = from; n < from + count; n++) inbox().add(smallMail(n), { receivedAt });
};
const account = (settings = {}) =>
  world.add({ protocol: 'imap', port: server.port, username: 'ana', ...settings });
const deliveries = async () =>
  (await world.deps.store.deliveries({}, { after: null, limit: 200 })).data.map(({ eventId }) => eventId);
const bodyOf = async (type: string) => {
  const read = [];
  for (const id of await deliveries()) {
    const claim = (await world.deps.store.message(id))?.event;
    if (claim?.type === type)
      read.push(JSON.parse(Buffer.from(await world.deps.blobs.read(claim.body)).toString()));
  }
  return read.map(({ data }) => data);
};

/** Every delivery that is due ends: the receiver takes it, or it failed for the last time. */
async function endAll(webhookId: WebhookId, kind: 'delivered' | 'exhausted'): Promise<void> {
  const now = world.clock.now();
  const refs = (await deliveries()).map((eventId) => ({ eventId, webhookId }));
  const at = now.toISOString();
  const facts = {
    trigger: 'schedule',
    status: kind === 'delivered' ? 200 : 500,
    outcome: kind === 'delivered' ? 'delivered' : 'http-error',
    error: null,
    durationMs: 1,
    response: null,
  } as const;
  for (const claim of await world.deps.store.claim(refs, now, 60_000)) {
    await world.deps.store.finish([{ claim, outcome: { kind, attempt: { at, ...facts } } }], now);
  }
}

describe('a mailbox whose UIDVALIDITY changed', () => {
  it('delivers none of its known messages again, and raises one mailbox.reset', async () => {
    await addWebhook(world, ['mailbox.reset']);
    arrive(1, 50, new Date(world.clock.time - 10 * DAY_MS));
    const { id } = await account();
    arrive(51, 300);
    await world.poll(id);
    inbox().renumber();
    arrive(351, 2);
    world.clock.time += 60_000;
    await world.poll(id);
    await world.poll(id);
    const subjects = (await world.messages()).map(({ event }) => event.subject);
    expect(subjects.length).toBe(302);
    expect(new Set(subjects).size).toBe(302);
    expect(await bodyOf('mailbox.reset')).toMatchObject([{ mailbox: 'INBOX', unknown: 2 }]);
  });

  it('holds a flood of unknown messages until its owner resumes the account', async () => {
    await addWebhook(world, ['flood.held']);
    arrive(1, 5);
    const { id } = await account();
    await world.poll(id);
    inbox().remove(inbox().mails.map(({ uid }) => uid));
    inbox().renumber();
    world.clock.time += 60_000;
    arrive(100, 201);
    expect((await world.poll(id))?.error?.code).toBe('flood-held');
    expect(await world.deps.store.account(id)).toMatchObject({ state: 'paused', held: 201 });
    expect(await bodyOf('flood.held')).toMatchObject([{ held: 201 }]);
    expect(await world.messages()).toEqual([]);
    // More may come before the owner looks: that must not hold it again.
    arrive(400, 3);
    await world.deps.store.updateAccount(id, { state: 'active', reason: null, clearBackoff: true });
    expect((await world.poll(id))?.committed).toBe(204);
    expect(await world.deps.store.account(id)).toMatchObject({ state: 'active', held: 0 });
  });

  it('counts a held flood as known after a new baseline', async () => {
    const { id } = await account();
    inbox().renumber();
    world.clock.time += 60_000;
    arrive(100, 250);
    await world.poll(id);
    await takeBaseline(world.deps, id, { kind: 'now' }, stop);
    await world.deps.store.updateAccount(id, { state: 'active', reason: null, clearBackoff: true });
    arrive(400, 1);
    expect((await world.poll(id))?.committed).toBe(1);
  });
});

describe('unbroken continuity', () => {
  it('delivers everything new, however much', async () => {
    const { id } = await account();
    arrive(1, 1500);
    expect((await world.poll(id))?.committed).toBe(1500);
  });

  it('takes 8 others for new after the 8 that were there were deleted by us', async () => {
    const pop3 = await startPop3Server({ users: { ana: { password: PASSWORD } } });
    const hook = await addWebhook(world, ['*']);
    const settings = {
      protocol: 'pop3',
      port: pop3.port,
      username: 'ana',
      onDelivered: { kind: 'delete' },
    } as const;
    const { id } = await world.add(settings);
    for (let n = 0; n < 8; n++) pop3.add('ana', smallMail(n));
    await world.poll(id);
    await endAll(hook, 'delivered');
    await world.poll(id);
    expect(pop3.mails('ana')).toEqual([]);
    for (let n = 20; n < 28; n++) pop3.add('ana', smallMail(n));
    await world.poll(id);
    expect((await world.messages()).length).toBe(16);
    expect(await bodyOf('mailbox.reset')).toEqual([]);
    await pop3.close();
  });
});

describe('a login that was changed', () => {
  it('makes new events of messages whose UIDs the old place used, and settles nothing of the old place', async () => {
    const other = await startImapServer({ users: { ana: { password: PASSWORD } } });
    expect(other.mailbox('ana').uidValidity).toBe(inbox().uidValidity);
    const hook = await addWebhook(world);
    const settings = { onDelivered: { kind: 'delete' } } as const;
    const { id } = await account(settings);
    arrive(1, 3);
    await world.poll(id);
    await endAll(hook, 'delivered');
    for (let n = 11; n <= 13; n++) other.mailbox('ana').add(smallMail(n), { receivedAt: world.clock.now() });
    const login = { protocol: 'imap', host: '127.0.0.1', port: other.port, username: 'ana' } as const;
    await world.deps.store.updateAccount(id, { port: other.port, loginId: accountIdOf(login) });
    world.clock.time += 60_000;
    expect((await world.poll(id))?.committed).toBe(3);
    await world.poll(id);
    expect(other.mailbox('ana').mails.length).toBe(3);
    expect(inbox().mails.length).toBe(3);
    const states = (await world.messages()).map(({ event }) => event.settlement.state);
    expect(states.slice(0, 3)).toEqual(['void', 'void', 'void']);
    await other.close();
  });
});

describe('a message that no webhook took', () => {
  it('is flagged as on-failed says once its last attempt failed, not before, and is not treated as delivered', async () => {
    const hook = await addWebhook(world);
    const failed = { kind: 'flag', keyword: 'NotDelivered' } as const;
    const { id } = await account({ onDelivered: { kind: 'delete' }, onFailed: failed });
    arrive(1, 2);
    await world.poll(id);
    await world.poll(id);
    expect(inbox().mails.map(({ flags }) => [...flags])).toEqual([[], []]);
    await endAll(hook, 'exhausted');
    await world.poll(id);
    expect(inbox().mails.map(({ flags }) => [...flags])).toEqual([['NotDelivered'], ['NotDelivered']]);
    const states = (await world.messages()).map(({ event }) => [event.failed, event.settlement.state]);
    expect(states).toEqual([
      [1, 'done'],
      [1, 'done'],
    ]);
  });
});

describe('a server that is not well', () => {
  it('stops at a refused password with one event, and goes on once it is taken again', async () => {
    await addWebhook(world, ['account.*']);
    const { id } = await account();
    const wrong = await world.deps.vault.seal('mailbox-credential', id, Buffer.from('wrong'));
    const right = await world.deps.vault.seal('mailbox-credential', id, Buffer.from(PASSWORD));
    await world.deps.store.updateAccount(id, { credential: wrong });
    expect((await world.poll(id))?.outcome).toBe('auth_failed');
    expect((await world.poll(id))?.outcome).toBe('auth_failed');
    expect((await world.deps.store.account(id))?.state).toBe('auth_failed');
    expect((await bodyOf('account.auth_failed')).length).toBe(1);
    await world.deps.store.updateAccount(id, { credential: right });
    expect((await world.poll(id))?.outcome).toBe('ok');
    expect((await world.deps.store.account(id))?.state).toBe('active');
  });

  it('polls the other mailboxes when one is gone, and says which', async () => {
    server.account('ana').create('Orders');
    const { id } = await account({ mailboxes: ['Orders', 'INBOX'] });
    server.account('ana').delete('Orders');
    arrive(1, 2);
    const report = await world.poll(id);
    expect(report).toMatchObject({ outcome: 'error', committed: 2 });
    expect(report?.error?.message).toContain('Orders');
    expect((await world.deps.store.account(id))?.lastError?.code).toBe('mailbox');
  });
});

describe('a message that the server does not hand out', () => {
  it('harms no other, is tried for a day, and then becomes message.quarantined under its own id', async () => {
    const refusing =
      (open: OpenMailSource): OpenMailSource =>
      async (login, signal) => {
        const source = await open(login, signal);
        return {
          ...source,
          async *fetch(items, limits) {
            for await (const one of source.fetch(items, limits)) {
              const bad = one.item.source.protocol === 'imap' && one.item.source.uid === 2;
              yield bad ? { kind: 'failed', item: one.item, error: 'the server says NO' } : one;
            }
          },
        };
      };
    await using sick = await openPollWorld(refusing);
    await addWebhook(sick);
    const { id } = await sick.add({ protocol: 'imap', port: server.port, username: 'ana' });
    arrive(1, 3);
    await sick.poll(id);
    expect((await sick.messages()).map(({ event }) => event.subject)).toEqual(['mail 1', 'mail 3']);
    for (let tries = 0; tries < 6; tries++) {
      sick.clock.time += DAY_MS / 2;
      await sick.poll(id);
    }
    expect((await sick.messages()).length).toBe(2);
    sick.clock.time += DAY_MS / 2;
    await sick.poll(id);
    const messages = await sick.messages();
    expect(messages.at(-1)?.event).toMatchObject({
      type: 'message.quarantined',
      source: { uid: 2 },
      open: 1,
    });
    sick.clock.time += DAY_MS;
    expect((await sick.poll(id))?.new).toBe(0);
    expect((await sick.messages()).length).toBe(3);
  });
});
