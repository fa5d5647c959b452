import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { plan } from '../../../functions/poll/plan.ts';
import { pollAccount } from '../../../functions/poll/poll.ts';
import type { Job } from '../../../shared/jobs.ts';
import { type Fetched, MailError, type OpenMailSource } from '../../../shared/ports/mail-source.ts';
import type { QueuedJob } from '../../../shared/ports/queue.ts';
import { GO, MINUTE_MS, openPollScene, type PollScene, USERNAME } from '../../support/poll-scene.ts';

let scene: PollScene;

beforeEach(async () => {
  scene = await openPollScene();
});
afterEach(() => scene[Symbol.asyncDispose]());

describe('a mailbox that is missing', () => {
  it('does not keep the others from being polled at their interval', async () => {
    scene.server.account(USERNAME).create('Orders');
    const { id } = await scene.add({ mailboxes: ['Orders', 'INBOX'] });
    scene.server.account(USERNAME).delete('Orders');
    for (let round = 1; round <= 4; round++) {
      scene.arrive(1);
      expect(await scene.pollBySchedule(id)).toMatchObject({ outcome: 'error', committed: 1 });
    }
    expect(await scene.account(id)).toMatchObject({
      state: 'active',
      notBefore: null,
      lastError: { code: 'mailbox' },
    });
  });

  it('makes the account rest when it is the only one', async () => {
    scene.server.account(USERNAME).create('Orders');
    const { id } = await scene.add({ mailboxes: ['Orders'] });
    scene.server.account(USERNAME).delete('Orders');
    await scene.pollBySchedule(id);
    expect((await scene.account(id)).notBefore).not.toBeNull();
  });
});

describe('a message that waits in a mailbox that is polled no longer', () => {
  it('does not make its account due again and again', async () => {
    scene.server.account(USERNAME).create('Orders');
    const { id } = await scene.add({ mailboxes: ['Orders', 'INBOX'] });
    scene.arrive(1, 'Orders');
    scene.during.fetched = ({ item }) => ({ kind: 'failed', item, error: 'the server says NO' });
    await scene.world.poll(id);
    await scene.world.deps.store.updateAccount(id, { mailboxes: ['INBOX'] });
    scene.during = {};
    scene.world.clock.time += 60 * MINUTE_MS;
    await pollAccount(scene.world.deps, id, 'backlog', GO);
    const jobs: Job[] = [];
    const queue = {
      enqueue: async (some: readonly QueuedJob[]) => void jobs.push(...some.map(({ job }) => job)),
    };
    await scene.world.deps.store.saveTick(scene.world.clock.now());
    await plan({ ...scene.world.deps, queue });
    expect(jobs).toEqual([]);
    // Its owner may want the mailbox again.
    await scene.world.deps.store.updateAccount(id, { mailboxes: ['INBOX', 'Orders'] });
    scene.world.clock.time += 25 * 60 * MINUTE_MS;
    expect(await scene.world.poll(id)).toMatchObject({ committed: 1 });
  });
});

describe('a message that could not be fetched before its mailbox was renumbered', () => {
  it('is still delivered, however old it is by then', async () => {
    const { id } = await scene.add();
    scene.arrive(3);
    scene.during.fetched = (one) =>
      one.item.source.protocol === 'imap' && one.item.source.uid === 2
        ? { kind: 'failed', item: one.item, error: 'the server says NO' }
        : one;
    for (let day = 0; day < 3; day++) {
      await scene.world.poll(id);
      scene.world.clock.time += 24 * 60 * MINUTE_MS;
    }
    await scene.world.poll(id);
    scene.during = {};
    scene.inbox().renumber();
    await scene.world.poll(id);
    const subjects = (await scene.world.messages()).map(({ event }) => event.subject);
    expect(subjects.toSorted()).toEqual(['mail undefined 0', 'mail undefined 1', 'mail undefined 2']);
  });
});

describe('a message that ends the session it is asked for in', () => {
  /** The source hands it on as failed and then throws, as for one that bursts every limit. */
  const bursting = (uid: number) => {
    let burst = false;
    scene.during.fetched = ({ item, ...one }) => {
      if (burst) throw new MailError('protocol', 'the server sent more than is taken');
      burst = item.source.protocol === 'imap' && item.source.uid === uid;
      return burst ? { kind: 'failed', item, error: 'too much' } : ({ ...one, item } as Fetched);
    };
    scene.during.ended = () => {
      if (burst) throw new MailError('protocol', 'the server sent more than is taken');
    };
  };

  it('is in nobody else’s way at the next poll', async () => {
    const { id } = await scene.add();
    scene.arrive(5);
    bursting(2);
    expect((await scene.world.poll(id))?.error?.code).toBe('protocol');
    scene.during = {};
    const asked: number[] = [];
    scene.during.fetched = (one) => {
      if (one.item.source.protocol === 'imap') asked.push(one.item.source.uid);
      return one;
    };
    expect(await scene.world.poll(id)).toMatchObject({ outcome: 'ok', committed: 3 });
    expect(asked).toEqual([3, 4, 5]);
  });

  it('is quarantined like any other when it does so at every try', async () => {
    const { id } = await scene.add();
    scene.arrive(1);
    for (let tries = 0; tries < 8; tries++) {
      bursting(1);
      await scene.world.poll(id);
      scene.world.clock.time += 24 * 60 * MINUTE_MS;
    }
    expect((await scene.world.messages()).map(({ event }) => event.type)).toEqual(['message.quarantined']);
    scene.during = {};
    scene.arrive(1);
    expect(await scene.world.poll(id)).toMatchObject({ outcome: 'ok', committed: 1 });
  });
});

describe('the log of a poll that failed', () => {
  it('says what is the matter without the addresses in it', async () => {
    const lines: unknown[] = [];
    const log = {
      ...scene.world.deps.log,
      warn: (event: string, fields: unknown) => void lines.push(event, fields),
    };
    const { id } = await scene.add({ name: 'ana' });
    const refused = `The server says "no mailbox of ${USERNAME} or Bob <bob@example.org> here"`;
    const openSource: OpenMailSource = async () => {
      throw new MailError('auth', refused);
    };
    const report = await pollAccount({ ...scene.world.deps, log, openSource }, id, 'manual', GO);
    expect(report?.error?.message).toBe(refused);
    expect(JSON.stringify(lines)).toContain('The server says');
    expect(JSON.stringify(lines)).not.toMatch(/ana@|bob@/);
  });
});
