import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dispatch } from '../../../functions/dispatch/dispatch.ts';
import type { Attachments } from '../../../shared/webhook.ts';
import { type DispatchWorld, openDispatchWorld } from '../../support/dispatch-world.ts';
import { type Receiver, startReceiver } from '../../support/receiver.ts';

const SECRET = 'whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=';
const TTL_MS = 60_000;
const EVENT = JSON.stringify({
  type: 'message.received',
  timestamp: '',
  data: {
    ...{
      text: 'x'.repeat(500),
      html: null,
      truncated: [],
      raw: { href: 'https://x.example/raw', sha256: 'ab' },
    },
    attachments: [{ id: '1', size: 3, sha256: 'cd', href: 'https://x.example/1', content: null }],
  },
});

let world: DispatchWorld;
let receiver: Receiver;
let status: number;
let contents: Record<string, string>;

beforeEach(async () => {
  world = await openDispatchWorld();
  status = 500;
  contents = { 1: 'AAAA' };
  receiver = await startReceiver({ secret: SECRET, now: world.clock.now, answer: () => status });
});
afterEach(async () => {
  await receiver.close();
  await world[Symbol.asyncDispose]();
});

const bodies = () => receiver.requests.map(({ body }) => body.toString());
const formsOf = (all: readonly string[]) =>
  new Set(all.map((body) => createHash('sha256').update(body).digest('hex'))).size;

async function webhookThatTakes(attachments: Attachments) {
  const webhook = await world.addWebhook(receiver.url, SECRET, { attachments });
  const [eventId] = await world.commit([EVENT]);
  if (eventId === undefined) throw new Error('Nothing was committed');
  const ref = { eventId, webhookId: webhook.id };
  const deps = { ...world.deps, contents: async () => contents };
  const attempt = async () => {
    world.clock.time += 24 * 3_600_000;
    await dispatch(deps, { kind: 'dispatch', deliveries: [ref] });
  };
  return { webhook, ref, deps, attempt };
}

describe('a delivery to a webhook that takes attachments inline', () => {
  it('has the same bytes at every attempt, whatever becomes of the mail and of the webhook meanwhile', async () => {
    const { webhook, ref, attempt } = await webhookThatTakes('inline');
    await attempt();
    contents = {};
    await world.embedded.store.updateWebhook(webhook.id, { attachments: 'none' }, world.clock.now());
    await attempt();
    status = 200;
    await attempt();
    await world.embedded.store.replay(ref, 'replay', world.clock.now());
    await attempt();
    expect(bodies()).toHaveLength(4);
    expect(bodies()[0]).toContain('"content":"AAAA"');
    expect(formsOf(bodies())).toBe(1);
    expect(receiver.faults).toEqual([]);
  });

  it('is reduced on a 413 to one without contents', async () => {
    const { attempt } = await webhookThatTakes('inline');
    status = 413;
    await attempt();
    status = 200;
    await attempt();
    const [first, second] = bodies();
    expect(first).toContain('"content":"AAAA"');
    expect(second).toContain('"content":null');
    expect(second).toContain('"truncated":["text","attachments"]');
  });

  it('is attempted again, uncharged, when its attachments cannot be read just now', async () => {
    const { webhook, ref, deps } = await webhookThatTakes('inline');
    const out = { ...deps, contents: () => Promise.reject(new Error('Too many wait')) };
    await dispatch(out, { kind: 'dispatch', deliveries: [ref] });
    expect(receiver.requests).toHaveLength(0);
    expect(await world.deliveriesOf(webhook.id)).toMatchObject([
      { state: 'pending', attemptCount: 0, attempts: [{ outcome: 'internal' }] },
    ]);
  });

  it('is not posted by who lost it while the attachments were read', async () => {
    const { ref, deps } = await webhookThatTakes('inline');
    const late = {
      ...deps,
      contents: async () => {
        world.clock.time += 2 * TTL_MS;
        await dispatch(deps, { kind: 'dispatch', deliveries: [ref] });
        return { 1: 'BBBB' };
      },
    };
    await dispatch(late, { kind: 'dispatch', deliveries: [ref] });
    expect(bodies()).toHaveLength(1);
    expect(bodies()[0]).toContain('"content":"AAAA"');
  });

  it('is posted with the bytes that were frozen before a crash', async () => {
    const { ref, deps, attempt } = await webhookThatTakes('inline');
    const dead = { ...deps, post: { post: () => Promise.reject(new Error('The process is gone')) } };
    const store = { ...deps.store, finish: () => Promise.reject(new Error('The process is gone')) };
    await dispatch({ ...dead, store }, { kind: 'dispatch', deliveries: [ref] });
    contents = { 1: 'CCCC' };
    await attempt();
    expect(bodies()).toHaveLength(1);
    expect(bodies()[0]).toContain('"content":"AAAA"');
  });
});

describe('a delivery to a webhook that takes no attachments', () => {
  it('leads to no bytes of the message', async () => {
    const { attempt } = await webhookThatTakes('none');
    await attempt();
    expect(bodies()[0]).not.toContain('https://x.example');
  });
});

describe('a delivery to a webhook that takes links', () => {
  it('is the frozen event itself, also after the webhook asked for something else', async () => {
    const { webhook, attempt } = await webhookThatTakes('link');
    await attempt();
    await world.embedded.store.updateWebhook(webhook.id, { attachments: 'inline' }, world.clock.now());
    await attempt();
    expect(bodies()).toEqual([EVENT, EVENT]);
    expect(await world.deliveriesOf(webhook.id)).toMatchObject([{ body: null }]);
  });
});
