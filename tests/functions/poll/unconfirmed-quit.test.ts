import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Pop3Server, startPop3Server } from '../../../local/demo/pop3-server.ts';
import type { Outcome } from '../../../shared/delivery.ts';
import type { AccountId } from '../../../shared/identity.ts';
import type { OpenMailSource } from '../../../shared/ports/mail-source.ts';
import { addWebhook, openPollWorld, PASSWORD, type PollWorld, smallMail } from '../../support/poll-world.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** The first try and eight more. */
const TRIES = 9;

let server: Pop3Server;
let world: PollWorld;
let id: AccountId;
/** How many deletions each session asked for. */
let asked: number[];
/** What the server does with QUIT: nothing at all, or everything but answer. */
let quits: 'ignored' | 'unanswered' | 'answered';

const wrap =
  (open: OpenMailSource): OpenMailSource =>
  async (login, signal) => {
    const source = await open(login, signal);
    return {
      ...source,
      settle(actions) {
        asked.push(actions.length);
        return source.settle(actions);
      },
      async close(how) {
        const answer = await source.close(quits === 'ignored' ? 'abort' : how);
        return quits === 'answered' ? answer : 'unknown';
      },
    };
  };

beforeEach(async () => {
  server = await startPop3Server({ users: { ana: { password: PASSWORD } } });
  world = await openPollWorld(wrap);
  asked = [];
  quits = 'answered';
  const webhookId = await addWebhook(world);
  const settings = { onDelivered: { kind: 'delete' }, name: 'ana' } as const;
  ({ id } = await world.add({ protocol: 'pop3', port: server.port, username: 'ana', ...settings }));
  for (const number of [1, 2, 3]) server.add('ana', smallMail(number));
  await world.poll(id);
  const refs = (await world.messages()).map(({ event }) => ({ eventId: event.id, webhookId }));
  const claims = await world.deps.store.claim(refs, world.clock.now(), MINUTE_MS);
  const attempt = { at: '', trigger: 'schedule', status: 200, outcome: 'delivered', error: null } as const;
  const outcome: Outcome = { kind: 'delivered', attempt: { ...attempt, durationMs: 1, response: null } };
  await world.deps.store.finish(
    claims.map((claim) => ({ claim, outcome })),
    world.clock.now(),
  );
});
afterEach(async () => {
  await world[Symbol.asyncDispose]();
  await server.close();
});

const settlements = async () => (await world.messages()).map(({ event }) => event.settlement);
const later = async (ms: number) => {
  world.clock.time += ms;
  return await world.poll(id);
};

it('is tried again after longer and longer, and then given up, with the reason on the message', async () => {
  quits = 'ignored';
  expect(await world.poll(id)).toMatchObject({ outcome: 'ok', settled: 0 });
  expect(await settlements()).toMatchObject(
    Array(3).fill({ state: 'waiting', reason: expect.stringContaining('QUIT') }),
  );
  await later(MINUTE_MS);
  await later(MINUTE_MS);
  expect(asked).toEqual([3, 3]);
  for (let day = 0; day < 20; day++) await later(DAY_MS);
  expect(asked).toEqual(Array(TRIES).fill(3));
  expect(await settlements()).toEqual(
    Array(3).fill({ action: { kind: 'delete' }, state: 'failed', reason: expect.stringContaining('QUIT') }),
  );
  expect(server.mails('ana').length).toBe(3);
});

it('counts as done once the message is seen to be gone, or the server confirms', async () => {
  quits = 'unanswered';
  await world.poll(id);
  expect(server.mails('ana')).toEqual([]);
  expect(await later(MINUTE_MS)).toMatchObject({ settled: 3 });
  expect(await settlements()).toMatchObject(Array(3).fill({ state: 'done', reason: null }));
  await later(DAY_MS);
  expect(asked).toEqual([3, 3]);
});

it('does not make a renumbered maildrop unrecognisable, however often it is tried', async () => {
  quits = 'ignored';
  await world.poll(id);
  for (let day = 0; day < 4; day++) await later(DAY_MS);
  quits = 'answered';
  await later(1_000);
  const { cursors } = await world.deps.store.pollState(id, world.clock.now());
  expect(cursors).toMatchObject([{ listedCount: 3 }]);
});
