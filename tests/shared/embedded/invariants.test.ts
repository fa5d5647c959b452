import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Account } from '../../../shared/account.ts';
import type { DeliveryRef } from '../../../shared/identity.ts';
import type { Claim } from '../../../shared/ports/store.ts';
import { DAY, FIRST, MINUTE, TTL } from '../../contract/fixtures.ts';
import { Scene } from '../../contract/scene.ts';
import { expectConsistent } from './consistency.ts';
import { openInFolder } from './folders.ts';

const WHAT = [
  ...([
    'commit',
    'commit',
    'commit',
    'claim',
    'claim',
    'finish',
    'finish',
    'replay',
    'tick',
    'tick',
    'wait',
  ] as const),
  ...(['ledger', 'settle', 'maintain', 'toggle', 'remove webhook', 'remove account', 'reopen'] as const),
];
const OUTCOMES = ['delivered', 'exhausted', 'retry', 'reduce', 'gate', 'disable'] as const;

/** Something that happens to a store, and which of the things it happens to. */
interface Step {
  readonly what: (typeof WHAT)[number];
  readonly which: number;
  readonly outcome: (typeof OUTCOMES)[number];
  readonly long: boolean;
}

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    what: fc.constantFrom(...WHAT),
    which: fc.nat({ max: 5 }),
    outcome: fc.constantFrom(...OUTCOMES),
    long: fc.boolean(),
  }),
  { minLength: 20, maxLength: 80 },
);

/** Does what the steps say, with two accounts and two webhooks that come back when they were removed. */
class Life {
  #opened: Awaited<ReturnType<typeof openInFolder>>;
  scene: Scene;
  readonly #accounts: Account[] = [];
  #refs: DeliveryRef[] = [];
  #claims: Claim[] = [];

  constructor(opened: Awaited<ReturnType<typeof openInFolder>>) {
    this.#opened = opened;
    this.scene = new Scene(opened);
  }

  async begin(): Promise<void> {
    const policy = {
      onDelivered: { kind: 'mark-seen' },
      onFailed: { kind: 'flag', keyword: 'x' },
      deleteAfterDays: 2,
    } as const;
    this.#accounts.push(await this.scene.addAccount('ana', policy), await this.scene.addAccount('bo'));
    await this.scene.addWebhook();
    await this.scene.addWebhook();
  }

  async end(): Promise<string> {
    await this.#opened.close();
    return this.#opened.folder;
  }

  async step(step: Step): Promise<void> {
    const { store, now, clock } = this.scene;
    const account = this.#accounts[step.which % this.#accounts.length];
    if (account === undefined) return;
    const webhooks = (await store.webhooks(FIRST)).data;
    const webhook = webhooks[step.which % 2];
    switch (step.what) {
      case 'commit':
        return this.#commit(account, step);
      case 'claim':
        this.#claims.push(...(await store.claim(this.#refs.slice(-step.which - 1), now, TTL)));
        return;
      case 'finish':
        return this.#finish(step);
      case 'replay':
        for (const ref of this.#refs.slice(step.which, step.which + 2))
          await store.replay(ref, 'replay', now);
        return;
      case 'tick':
        for (const work of await store.dueWork(now, 50)) {
          if (work.kind === 'webhook') await store.releaseParked(work.id, work.release, now);
        }
        return;
      case 'wait':
        clock.advance(step.long ? (step.which + 1) * 9 * DAY : (step.which + 1) * MINUTE);
        return;
      case 'ledger':
        return this.#saveLedger(account, step);
      case 'settle':
        return this.#settle(account, step);
      case 'maintain':
        return this.#opened.maintain(now);
      case 'toggle':
        if (webhook === undefined) return;
        await store.updateWebhook(
          webhook.id,
          { state: webhook.state === 'enabled' ? 'disabled' : 'enabled' },
          now,
        );
        return;
      case 'remove webhook':
        if (webhook !== undefined) await store.removeWebhook(webhook.id, now);
        await this.scene.addWebhook();
        return;
      case 'remove account':
        await store.removeAccount(account.id);
        await store.createAccount(account);
        return;
      case 'reopen':
        return this.#reopen();
    }
  }

  async #commit(account: Account, { which, long }: Step): Promise<void> {
    const { store } = this.scene;
    const ids = await store.subscribers(account.id, 'message.received');
    const webhooks = long ? ids : ids.slice(0, which % 2);
    const events = await this.scene.commit(account, webhooks, which + 1);
    for (const eventId of events) for (const webhookId of webhooks) this.#refs.push({ eventId, webhookId });
  }

  async #finish({ outcome, which, long }: Step): Promise<void> {
    const { store, blobs, now, clock } = this.scene;
    const claims = long ? this.#claims.splice(0) : this.#claims.slice(which, which + 1);
    for (const claim of claims) {
      const attempt = this.scene.attempt();
      const gateUntil = outcome === 'gate' ? new Date(clock.nowMs + 10 * MINUTE) : null;
      const nextBody = outcome === 'reduce' ? await blobs.put('body', Buffer.from('small')) : null;
      const ended =
        outcome === 'delivered' || outcome === 'exhausted'
          ? this.scene[outcome]()
          : outcome === 'disable'
            ? ({ kind: 'disable', attempt, reason: 'x' } as const)
            : this.scene.retry(5 * MINUTE, { gateUntil, nextBody });
      await store.finish([{ claim, outcome: ended }], now);
    }
  }

  async #saveLedger(account: Account, { which }: Step): Promise<void> {
    const { store, blobs, now } = this.scene;
    const acquired = await store.acquire(account.id, 'manual', now, TTL);
    if (acquired.kind !== 'acquired') return;
    const base = which === 0 ? null : await blobs.put('ledger', Buffer.from(`ledger ${which}`));
    const backfill = which === 1 ? base : null;
    const cursor = {
      protocol: 'pop3',
      mailbox: '',
      listingHash: null,
      listedCount: which,
      base,
      backfill,
    } as const;
    await store.saveProgress(acquired.fence, this.scene.progress({ cursor }), now);
    await store.release(acquired.fence, this.scene.health());
  }

  async #settle(account: Account, { which }: Step): Promise<void> {
    const { store, now } = this.scene;
    const acquired = await store.acquire(account.id, 'manual', now, TTL);
    if (acquired.kind !== 'acquired') return;
    const { settlements } = await store.pollState(account.id, now);
    const as = (['done', 'failed', 'void'] as const)[which % 3] ?? 'done';
    const closed = settlements.map(({ key }) => ({ key, as }));
    await store.saveProgress(acquired.fence, this.scene.progress({ closed }), now);
    await store.release(acquired.fence, this.scene.health());
  }

  async #reopen(): Promise<void> {
    const { clock, folder } = this.#opened;
    await this.#opened.close();
    this.#opened = await openInFolder({ folder, clock });
    Object.assign(this.scene, { store: this.#opened.store, blobs: this.#opened.blobs });
  }
}

describe('the embedded store', () => {
  it('never contradicts itself, whatever happens to it', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        const life = new Life(await openInFolder());
        await life.begin();
        for (const step of all) await life.step(step);
        const { store, blobs } = life.scene;
        // Every message that is still there can be delivered: nothing swept what it is made of.
        for (const { event } of (await store.messages({}, FIRST)).data) {
          if (event.open > 0) expect((await blobs.read(event.body)).byteLength).toBeGreaterThan(0);
        }
        expectConsistent(await life.end());
      }),
      { numRuns: 25 },
    );
  });
});
