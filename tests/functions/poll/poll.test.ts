import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { plan } from '../../../functions/poll/plan.ts';
import { pollAccount } from '../../../functions/poll/poll.ts';
import { type ImapServer, startImapServer } from '../../../local/demo/imap-server.ts';
import type { AccountSettings } from '../../../shared/account.ts';
import type { Outcome } from '../../../shared/delivery.ts';
import type { AccountId } from '../../../shared/identity.ts';
import type { Job, PollReason } from '../../../shared/jobs.ts';
import { type Fetched, MailError, type OpenMailSource } from '../../../shared/ports/mail-source.ts';
import { addWebhook, openPollWorld, PASSWORD, type PollWorld, smallMail } from '../../support/poll-world.ts';

const MINUTE_MS = 60_000;
const GO = { signal: new AbortController().signal, stopping: () => false };
const USERNAME = 'ana@example.com';

let server: ImapServer;
let world: PollWorld;
/** What the tests put between the poll and its session. */
let during: { fetched?(one: Fetched): Fetched | Promise<Fetched>; ended?(): void };

const wrap =
  (open: OpenMailSource): OpenMailSource =>
  async (login, signal) => {
    const source = await open(login, signal);
    return {
      ...source,
      async *fetch(items, limits) {
        for await (const one of source.fetch(items, limits)) yield (await during.fetched?.(one)) ?? one;
        during.ended?.();
      },
    };
  };

beforeEach(async () => {
  during = {};
  server = await startImapServer({ users: { [USERNAME]: { password: PASSWORD } } });
  world = await openPollWorld(wrap);
});
afterEach(async () => {
  await world[Symbol.asyncDispose]();
  await server.close();
});

const inbox = (name?: string) => server.mailbox(USERNAME, name);
const arrive = (count: number, name?: string) => {
  const { length } = inbox(name).mails;
  for (let n = 0; n < count; n++)
    inbox(name).add(smallMail(`${name} ${length + n}`), { receivedAt: world.clock.now() });
};
const add = (settings: Partial<AccountSettings> = {}) =>
  world.add({ protocol: 'imap', port: server.port, username: USERNAME, ...settings });
const account = async (id: AccountId) => {
  const found = await world.deps.store.account(id);
  if (found === null) throw new Error('The account is gone');
  return found;
};
/** As the schedule polls, after a minute. */
const pollBySchedule = (id: AccountId) => {
  world.clock.time += MINUTE_MS;
  const reason: PollReason = { slot: world.clock.now().toISOString() };
  return pollAccount(world.deps, id, reason, GO);
};

/** Takes all deliveries, so that what is to be done after a success is due. */
async function deliverAll(): Promise<void> {
  const { store } = world.deps;
  const now = world.clock.now();
  const { data } = await store.deliveries({}, { after: null, limit: 200 });
  const at = now.toISOString();
  const facts = { status: 200, outcome: 'delivered', error: null, durationMs: 1, response: null };
  const outcome: Outcome = { kind: 'delivered', attempt: { at, trigger: 'schedule', ...facts } };
  const claims = await store.claim(data, now, MINUTE_MS);
  await store.finish(
    claims.map((claim) => ({ claim, outcome })),
    now,
  );
}

describe('a mailbox that is missing', () => {
  it('does not keep the others from being polled at their interval', async () => {
    server.account(USERNAME).create('Orders');
    const { id } = await add({ mailboxes: ['Orders', 'INBOX'] });
    server.account(USERNAME).delete('Orders');
    for (let round = 1; round <= 4; round++) {
      arrive(1);
      expect(await pollBySchedule(id)).toMatchObject({ outcome: 'error', committed: 1 });
    }
    expect(await account(id)).toMatchObject({
      state: 'active',
      notBefore: null,
      lastError: { code: 'mailbox' },
    });
  });

  it('makes the account rest when it is the only one', async () => {
    server.account(USERNAME).create('Orders');
    const { id } = await add({ mailboxes: ['Orders'] });
    server.account(USERNAME).delete('Orders');
    await pollBySchedule(id);
    expect((await account(id)).notBefore).not.toBeNull();
  });
});

describe('a message that waits in a mailbox that is polled no longer', () => {
  it('does not make its account due again and again', async () => {
    server.account(USERNAME).create('Orders');
    const { id } = await add({ mailboxes: ['Orders', 'INBOX'] });
    arrive(1, 'Orders');
    during.fetched = ({ item }) => ({ kind: 'failed', item, error: 'the server says NO' });
    await world.poll(id);
    await world.deps.store.updateAccount(id, { mailboxes: ['INBOX'] });
    during = {};
    world.clock.time += 60 * MINUTE_MS;
    await pollAccount(world.deps, id, 'backlog', GO);
    const jobs: Job[] = [];
    const queue = { enqueue: async (some: readonly Job[]) => void jobs.push(...some) };
    await world.deps.store.saveTick(world.clock.now());
    await plan({ ...world.deps, queue });
    expect(jobs).toEqual([]);
    // Its owner may want the mailbox again.
    await world.deps.store.updateAccount(id, { mailboxes: ['INBOX', 'Orders'] });
    world.clock.time += 25 * 60 * MINUTE_MS;
    expect(await world.poll(id)).toMatchObject({ committed: 1 });
  });
});

describe('a message that ends the session it is asked for in', () => {
  /** The source hands it on as failed and then throws, as for one that bursts every limit. */
  const bursting = (uid: number) => {
    let burst = false;
    during.fetched = ({ item, ...one }) => {
      if (burst) throw new MailError('protocol', 'the server sent more than is taken');
      burst = item.source.protocol === 'imap' && item.source.uid === uid;
      return burst ? { kind: 'failed', item, error: 'too much' } : ({ ...one, item } as Fetched);
    };
    during.ended = () => {
      if (burst) throw new MailError('protocol', 'the server sent more than is taken');
    };
  };

  it('is in nobody else’s way at the next poll', async () => {
    const { id } = await add();
    arrive(5);
    bursting(2);
    expect((await world.poll(id))?.error?.code).toBe('protocol');
    during = {};
    const asked: number[] = [];
    during.fetched = (one) => {
      if (one.item.source.protocol === 'imap') asked.push(one.item.source.uid);
      return one;
    };
    expect(await world.poll(id)).toMatchObject({ outcome: 'ok', committed: 3 });
    expect(asked).toEqual([3, 4, 5]);
  });

  it('is quarantined like any other when it does so at every try', async () => {
    const { id } = await add();
    arrive(1);
    for (let tries = 0; tries < 8; tries++) {
      bursting(1);
      await world.poll(id);
      world.clock.time += 24 * 60 * MINUTE_MS;
    }
    expect((await world.messages()).map(({ event }) => event.type)).toEqual(['message.quarantined']);
    during = {};
    arrive(1);
    expect(await world.poll(id)).toMatchObject({ outcome: 'ok', committed: 1 });
  });
});

describe('a flood that its owner let through', () => {
  it('is not held again when one poll does not get through it', async () => {
    const { id } = await add();
    await world.poll(id);
    inbox().renumber();
    world.clock.time += MINUTE_MS;
    arrive(300);
    expect((await world.poll(id))?.error?.code).toBe('flood-held');
    expect((await account(id)).lastError?.code).toBe('flood-held');
    await world.deps.store.updateAccount(id, { state: 'active', clearBackoff: true });
    let fetched = 0;
    during.fetched = (one) => {
      fetched += 1;
      // The time of the session is up.
      if (fetched === 60) world.clock.time += 2 * MINUTE_MS;
      return one;
    };
    await pollBySchedule(id);
    expect((await world.messages()).length).toBe(60);
    expect(await world.poll(id)).toMatchObject({ outcome: 'ok', committed: 240 });
    expect(await account(id)).toMatchObject({ state: 'active', held: 0 });
  });
});

describe('what its owner changes while an account is polled', () => {
  const meanwhile = (change: Parameters<PollWorld['deps']['store']['updateAccount']>[1]) => {
    during.fetched = async (one) => {
      await world.deps.store.updateAccount(id, change);
      return one;
    };
  };
  let id: AccountId;
  beforeEach(async () => {
    await addWebhook(world);
    id = (await add({ onDelivered: { kind: 'delete' } })).id;
    arrive(1);
    await world.poll(id);
    await deliverAll();
    arrive(1);
  });

  it('takes back what was decided for the server', async () => {
    meanwhile({ onDelivered: { kind: 'none' } });
    await world.poll(id);
    expect(inbox().mails.length).toBe(2);
    const [first] = await world.messages();
    expect(first?.event.settlement.state).toBe('void');
  });

  it('lets nothing happen on the server once the account is paused, and all of it after it is resumed', async () => {
    meanwhile({ state: 'paused', reason: 'paused by its owner' });
    await world.poll(id);
    expect(inbox().mails.length).toBe(2);
    expect((await account(id)).state).toBe('paused');
    during = {};
    await world.deps.store.updateAccount(id, { state: 'active', reason: null });
    await world.poll(id);
    expect(inbox().mails.length).toBe(1);
  });

  it('ends a long poll once the account is paused', async () => {
    arrive(200);
    let fetched = 0;
    during.fetched = async (one) => {
      fetched += 1;
      if (fetched % 50 === 0) world.clock.time += 2 * MINUTE_MS;
      if (fetched === 50) await world.deps.store.updateAccount(id, { state: 'paused' });
      return one;
    };
    await world.poll(id);
    expect(fetched).toBe(50);
  });
});

describe('a deletion that waits for its day', () => {
  it('waits longer when its owner keeps messages longer now', async () => {
    const days = (count: number) => count * 24 * 60 * MINUTE_MS;
    await addWebhook(world);
    const { id } = await add({ deleteAfterDays: 7 });
    arrive(1);
    await world.poll(id);
    await deliverAll();
    await world.deps.store.updateAccount(id, { deleteAfterDays: 20 });
    world.clock.time += days(8);
    expect(await world.poll(id)).toMatchObject({ outcome: 'ok', settled: 0 });
    expect((await world.messages())[0]?.event.settlement).toMatchObject({ state: 'waiting' });
    world.clock.time += days(11);
    await world.poll(id);
    expect(inbox().mails.length).toBe(1);
    world.clock.time += days(2);
    await world.poll(id);
    expect(inbox().mails.length).toBe(0);
  });
});

describe('the log of a poll that failed', () => {
  it('says what is the matter without the addresses in it', async () => {
    const lines: unknown[] = [];
    const log = {
      ...world.deps.log,
      warn: (event: string, fields: unknown) => void lines.push(event, fields),
    };
    const { id } = await add({ name: 'ana' });
    const refused = `The server says "no mailbox of ${USERNAME} or Bob <bob@example.org> here"`;
    const openSource: OpenMailSource = async () => {
      throw new MailError('auth', refused);
    };
    const report = await pollAccount({ ...world.deps, log, openSource }, id, 'manual', GO);
    expect(report?.error?.message).toBe(refused);
    expect(JSON.stringify(lines)).toContain('The server says');
    expect(JSON.stringify(lines)).not.toMatch(/ana@|bob@/);
  });
});
