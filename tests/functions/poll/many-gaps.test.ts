import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startImapServer } from '../../../local/demo/imap-server.ts';
import { startPop3Server } from '../../../local/demo/pop3-server.ts';
import type { Listed, OpenMailSource } from '../../../shared/ports/mail-source.ts';
import { MAX_POLL_WORK } from '../../../shared/ports/store.ts';
import { openPollWorld, PASSWORD, type PollWorld, smallMail } from '../../support/poll-world.ts';

const MANY = MAX_POLL_WORK + 12;

let world: PollWorld;
/** Whether the server hands out nothing. */
let isSick: boolean;
/** How many messages each fetch asked for. */
let asked: number[];

/** Refuses every message while it is sick. */
const refusing =
  (open: OpenMailSource): OpenMailSource =>
  async (login, signal) => {
    const source = await open(login, signal);
    return {
      ...source,
      async *fetch(items: readonly Listed[], limits) {
        asked.push(items.length);
        if (isSick) for (const item of items) yield { kind: 'failed', item, error: 'the server says NO' };
        else yield* source.fetch(items, limits);
      },
    };
  };

beforeEach(async () => {
  isSick = true;
  asked = [];
  world = await openPollWorld(refusing);
});
afterEach(async () => {
  await world[Symbol.asyncDispose]();
});

describe(`${MANY} messages that wait as gaps, more than a poll is given`, () => {
  it('are not asked for again when a POP3 maildrop changes, and are all delivered in the end', async () => {
    const server = await startPop3Server({ users: { ana: { password: PASSWORD } } });
    const { id } = await world.add({ protocol: 'pop3', port: server.port, username: 'ana' });
    for (let n = 0; n < MANY; n++) server.add('ana', smallMail(n));
    expect((await world.poll(id))?.new).toBe(MANY);
    server.add('ana', smallMail('next'));
    isSick = false;
    asked = [];
    expect((await world.poll(id))?.committed).toBe(1);
    expect(asked).toEqual([1]);
    world.clock.time += 61_000;
    await world.poll(id);
    await world.poll(id);
    expect(new Set((await world.messages()).map(({ event }) => event.subject)).size).toBe(MANY + 1);
    expect((await world.deps.store.counts()).waitingMessages).toBe(0);
    await server.close();
  });

  it('are found again, each once, when UIDVALIDITY changes', async () => {
    const server = await startImapServer({ users: { ana: { password: PASSWORD } } });
    const settings = {
      protocol: 'imap',
      port: server.port,
      username: 'ana',
      start: { kind: 'all' },
    } as const;
    const { id } = await world.add(settings);
    const old = new Date(world.clock.time - 10 * 86_400_000);
    for (let n = 0; n < MANY; n++) server.mailbox('ana').add(smallMail(n), { receivedAt: old });
    await world.poll(id);
    expect((await world.deps.store.counts()).waitingMessages).toBe(MANY);
    server.mailbox('ana').renumber();
    isSick = false;
    world.clock.time += 61_000;
    await world.poll(id);
    const subjects = (await world.messages()).map(({ event }) => event.subject);
    expect(subjects.length).toBe(MANY);
    expect(new Set(subjects).size).toBe(MANY);
    expect((await world.deps.store.counts()).waitingMessages).toBe(0);
    await server.close();
  });
});
