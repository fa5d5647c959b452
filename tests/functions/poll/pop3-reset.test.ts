import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Pop3Server, startPop3Server } from '../../../local/demo/pop3-server.ts';
import type { Source } from '../../../shared/identity.ts';
import type { Fetched, Listed, Listing, OpenMailSource } from '../../../shared/ports/mail-source.ts';
import { openPollWorld, PASSWORD, type PollWorld, smallMail } from '../../support/poll-world.ts';

const HOUR_MS = 3_600_000;

/** What the server does at the moment. */
interface Server {
  /** Stands before every UIDL: another one changes them all. */
  epoch: string;
  /** UIDLs, without the epoch, of messages it does not hand out. */
  readonly refused: Set<string>;
  /** UIDLs, without the epoch, of messages that another client took away. */
  readonly taken: Set<string>;
  /** Fetches in one session after which the time is up. */
  patience: number;
}

let maildrop: Pop3Server;
let state: Server;
let world: PollWorld;

beforeEach(async () => {
  maildrop = await startPop3Server({ users: { ana: { password: PASSWORD } } });
  state = { epoch: 'a', refused: new Set(), taken: new Set(), patience: Number.POSITIVE_INFINITY };
  world = await openPollWorld((open) => renamed(open, state));
});
afterEach(async () => {
  await world[Symbol.asyncDispose]();
  await maildrop.close();
});

/** A server whose UIDLs begin with the epoch, which hides that from the real one. */
function renamed(open: OpenMailSource, server: Server): OpenMailSource {
  const shown = (source: Source): Source =>
    source.protocol === 'pop3' ? { ...source, uidl: `${server.epoch}/${source.uidl}` } : source;
  const real = (source: Source): Source =>
    source.protocol === 'pop3' ? { ...source, uidl: source.uidl.replace(/^.*\//, '') } : source;
  const isLeft = ({ source }: Listed) => source.protocol === 'pop3' && !server.taken.has(source.uidl);
  const isShown = ({ source }: Listed) =>
    source.protocol === 'pop3' && source.uidl.startsWith(`${server.epoch}/`);
  return async (login, signal) => {
    const source = await open(login, signal);
    return {
      ...source,
      async list(mailbox, cursor): Promise<Listing> {
        const listing = await source.list(mailbox, cursor && { ...cursor, ...{ listingHash: null } });
        const { next } = listing;
        const hash = next.protocol === 'pop3' ? `${server.epoch}${next.listingHash}` : null;
        const items = listing.items.filter(isLeft).map((item) => ({ ...item, source: shown(item.source) }));
        return { ...listing, items, next: { ...next, ...{ listingHash: hash } } };
      },
      async *fetch(items, limits): AsyncIterable<Fetched> {
        for (const item of items.filter((one) => !isShown(one))) yield { kind: 'gone', item };
        const asked = items.filter(isShown);
        for await (const one of source.fetch(
          asked.map((item) => ({ ...item, source: real(item.source) })),
          limits,
        )) {
          const item = { ...one.item, source: shown(one.item.source) };
          const uidl = one.item.source.protocol === 'pop3' ? one.item.source.uidl : '';
          if (server.refused.has(uidl)) yield { kind: 'failed', item, error: 'the server says NO' };
          else yield { ...one, item };
          if (--server.patience <= 0) world.clock.time += HOUR_MS;
        }
      },
      async *heads(items) {
        for await (const { item, head } of source.heads(
          items.map((one) => ({ ...one, source: real(one.source) })),
        )) {
          yield { item: { ...item, source: shown(item.source) }, head };
        }
      },
    };
  };
}

const add = () => world.add({ protocol: 'pop3', port: maildrop.port, username: 'ana' });
const subjects = async () => (await world.messages()).map(({ event }) => event.subject).toSorted();
/** Mails of the same number of lines are of the same size. */
const arrive = (name: string, lines = 1) => maildrop.add('ana', smallMail(name, lines));
/** What a ledger is written anew for, besides: more than a hundred new messages. */
const arriveMany = (count = 101) => {
  for (let n = 100; n < 100 + count; n++) arrive(`m${n}`, n);
};

describe('a POP3 message that waits as a gap while all UIDLs change', () => {
  it('is delivered once it can be fetched, and no other message twice', async () => {
    const { id } = await add();
    arriveMany();
    const bad = arrive('bad', 3);
    state.refused.add(bad);
    await world.poll(id);
    expect((await subjects()).length).toBe(101);
    state.epoch = 'b';
    state.refused.clear();
    world.clock.time += 30_000;
    await world.poll(id);
    expect((await subjects()).filter((subject) => subject === 'mail bad')).toEqual(['mail bad']);
    expect(new Set(await subjects()).size).toBe(102);
    expect((await subjects()).length).toBe(102);
  });

  it('is told from a known message of the same size', async () => {
    const { id } = await add();
    state.refused.add(arrive('abc', 100));
    arriveMany();
    await world.poll(id);
    state.epoch = 'b';
    state.refused.clear();
    await world.poll(id);
    expect((await subjects()).length).toBe(102);
    expect(await subjects()).toContain('mail abc');
  });

  it('is still told from one when fetching after the change takes two sessions', async () => {
    const { id } = await add();
    state.refused.add(arrive('abc', 100));
    arriveMany();
    await world.poll(id);
    state.epoch = 'b';
    for (const name of ['new1', 'new2', 'new3']) arrive(name, 7);
    state.refused.clear();
    state.refused.add(arrive('new4', 8));
    state.patience = 1;
    await world.poll(id);
    state.refused.clear();
    state.patience = Number.POSITIVE_INFINITY;
    world.clock.time += HOUR_MS;
    await world.poll(id);
    world.clock.time += HOUR_MS;
    await world.poll(id);
    expect(await subjects()).toEqual(expect.arrayContaining(['mail abc', 'mail new3', 'mail new4']));
    expect((await subjects()).length).toBe(106);
  });

  it('waits on, without a second identity, when the new ledger is written and its UIDL stays', async () => {
    const { id } = await add();
    const bad = arrive('bad', 3);
    state.refused.add(bad);
    await world.poll(id);
    arriveMany(210);
    await world.poll(id);
    arrive('last', 5);
    await world.poll(id);
    state.refused.clear();
    world.clock.time += HOUR_MS;
    await world.poll(id);
    expect((await subjects()).length).toBe(212);
    expect(await subjects()).toContain('mail bad');
  });

  it('breaks no continuity when most of what is there waits', async () => {
    const { id } = await add();
    arrive('good');
    for (const name of ['b1', 'b2', 'b3']) state.refused.add(arrive(name));
    await world.poll(id);
    arrive('next');
    await world.poll(id);
    const { cursors, gaps } = await world.deps.store.pollState(id, world.clock.now());
    expect(cursors).toMatchObject([{ listedCount: 5 }]);
    expect(gaps.length).toBe(3);
    expect(await subjects()).toEqual(['mail good', 'mail next']);
  });
});

/** A mail that its server says arrived so many minutes after the clock's time; of the same size whatever the numbers. */
function dated(name: string, minutes: number, lines: number): Buffer {
  const date = new Date(world.clock.time + minutes * 60_000).toUTCString();
  const received = `Received: from a.example.com by b.example.com; ${date}\r\n`;
  return Buffer.concat([Buffer.from(received), smallMail(name, lines)]);
}

describe('a maildrop that another client empties', () => {
  it.each([
    ['one size', 1, 1],
    ['one size', 5, 1],
    ['sizes of their own', 5, 5],
  ])('delivers as many new mails of the same sizes (%s, %i of them)', async (_case, count, sizes) => {
    const { id } = await add();
    const names = (prefix: string) => Array.from({ length: count }, (_, index) => `${prefix}${index}`);
    const before = names('a').map((name, index) => arrive(name, (index % sizes) + 1));
    await world.poll(id);
    for (const uidl of before) state.taken.add(uidl);
    names('b').forEach((name, index) => {
      arrive(name, (index % sizes) + 1);
    });
    await world.poll(id);
    expect(await subjects()).toEqual([...names('a'), ...names('b')].map((name) => `mail ${name}`));
  });

  it('delivers what came since in the same sizes as mail that was there before mailhook', async () => {
    const old = [1, 2, 3].map((lines) => maildrop.add('ana', dated(`a${lines}`, -60, lines)));
    const { id } = await add();
    world.clock.time += HOUR_MS;
    await world.poll(id);
    for (const uidl of old) state.taken.add(uidl);
    for (const lines of [1, 2, 3]) maildrop.add('ana', dated(`b${lines}`, 5, lines));
    world.clock.time += 10 * 60_000;
    await world.poll(id);
    expect(await subjects()).toEqual(['mail b1', 'mail b2', 'mail b3']);
  });
});

describe('mail that was there before mailhook', () => {
  it.each([1, 5])('is not delivered when all UIDLs change (%i sizes)', async (sizes) => {
    for (let n = 0; n < 5; n++) maildrop.add('ana', dated(`a${n}`, -60, (n % sizes) + 1));
    const { id } = await add();
    world.clock.time += HOUR_MS;
    await world.poll(id);
    state.epoch = 'b';
    arrive('new', 9);
    await world.poll(id);
    expect(await subjects()).toEqual(['mail new']);
  });
});
