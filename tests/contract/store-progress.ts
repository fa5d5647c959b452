import { expect, it } from 'vitest';
import type { Page } from '../../shared/ports/lists.ts';
import type { Pop3Cursor } from '../../shared/ports/mail-source.ts';
import { type Gap, MAX_POLL_WORK } from '../../shared/ports/store.ts';
import { MINUTE } from './fixtures.ts';
import type { Scene, StoreTests } from './scene.ts';

const POP3 = { protocol: 'pop3', mailboxes: [], port: 995 } as const;

function pop3Cursor(change: Partial<Pop3Cursor> = {}): Pop3Cursor {
  return {
    protocol: 'pop3',
    mailbox: '',
    listingHash: 'ab12',
    listedCount: 3,
    base: null,
    backfill: null,
    ...change,
  };
}

/** An account of which somebody holds the lease. */
async function held(scene: Scene, change = {}, username = 'ana') {
  const account = await scene.addAccount(username, change);
  const fence = await scene.lease(account.id);
  const state = () => scene.store.pollState(account.id, scene.now);
  const save = (progress: Parameters<Scene['progress']>[0]) =>
    scene.store.saveProgress(fence, scene.progress(progress), scene.now);
  return { account, fence, state, save };
}

export const progressTests: StoreTests = (scene) => {
  it('pollState() of an account that was never polled is empty', async () => {
    const { state } = await held(scene());
    expect(await state()).toEqual({ cursors: [], gaps: [], settlements: [] });
  });

  it('saveProgress() keeps one cursor for each mailbox, the latest', async () => {
    const { state, save } = await held(scene());
    const archive = scene().cursor({ mailbox: 'Archiv/2026 ü', backfill: { untilUid: 4, since: null } });
    expect(await save({ cursor: scene().cursor({ lastUid: 1 }) })).toBe('ok');
    await save({ cursor: archive });
    await save({ cursor: scene().cursor({ lastUid: 2 }) });
    const { cursors } = await state();
    expect([...cursors].sort((a, b) => a.mailbox.localeCompare(b.mailbox))).toEqual([
      archive,
      scene().cursor({ lastUid: 2 }),
    ]);
  });

  it('saveProgress() keeps a POP3 cursor with its ledgers', async () => {
    const { state, save } = await held(scene(), POP3);
    const base = await scene().blobs.put('ledger', Buffer.from('base'));
    const backfill = await scene().blobs.put('ledger', Buffer.from('backfill'));
    await save({ cursor: pop3Cursor({ base, backfill }) });
    expect((await state()).cursors).toEqual([pop3Cursor({ base, backfill })]);
    expect(Buffer.from(await scene().blobs.read(base)).toString()).toBe('base');
  });

  it('saveProgress() opens a gap with no new try yet', async () => {
    const { state, save } = await held(scene());
    const item = scene().listed({ labels: ['x'], internalDate: '2026-11-25T07:00:00.000Z' });
    const dueAt = new Date(scene().clock.nowMs + MINUTE);
    await save({ opened: [{ item, dueAt, error: 'no luck' }] });
    expect((await state()).gaps).toEqual([
      { key: expect.any(String), item, attempts: 0, openedAt: scene().now, dueAt, error: 'no luck' },
    ]);
  });

  it('saveProgress() leaves the gap alone that a message has already', async () => {
    const { state, save } = await held(scene());
    const item = scene().listed();
    const dueAt = scene().now;
    await save({ opened: [{ item, dueAt, error: 'first' }] });
    await save({ opened: [{ item, dueAt: new Date(0), error: 'second' }] });
    expect((await state()).gaps).toMatchObject([{ error: 'first', dueAt }]);
  });

  it('saveProgress() counts the tries of a rescheduled gap and forgets a closed one', async () => {
    const { state, save } = await held(scene());
    const dueAt = scene().now;
    const items = [scene().listed(), scene().listed()];
    await save({ opened: items.map((item) => ({ item, dueAt, error: 'no' })) });
    const [one, two] = (await state()).gaps;
    if (one === undefined || two === undefined) throw new Error('Two gaps were opened');
    const later = new Date(scene().clock.nowMs + MINUTE);
    await save({
      rescheduled: [{ key: one.key, dueAt: later, error: 'still' }],
      closed: [{ key: two.key, as: 'done' }],
    });
    expect((await state()).gaps).toEqual([{ ...one, attempts: 1, dueAt: later, error: 'still' }]);
    await save({ closed: [{ key: one.key, as: 'failed' }] });
    expect((await state()).gaps).toEqual([]);
  });

  it('gaps() gives every gap once, page by page, also those that are not due', async () => {
    const { account, state, save } = await held(scene());
    const dueAt = new Date(scene().clock.nowMs + MINUTE);
    await save({ opened: Array.from({ length: 5 }, () => ({ item: scene().listed(), dueAt, error: 'no' })) });
    const other = await held(scene(), {}, 'bo');
    await other.save({ opened: [{ item: scene().listed(), dueAt, error: 'no' }] });
    const found: Gap[] = [];
    let after: string | null = null;
    do {
      const page: Page<Gap> = await scene().store.gaps(account.id, { after, limit: 2 });
      expect(page.data.length).toBeLessThanOrEqual(2);
      found.push(...page.data);
      after = page.next;
    } while (after !== null);
    const byKey = (one: Gap, two: Gap) => one.key.localeCompare(two.key);
    expect(found.toSorted(byKey)).toEqual([...(await state()).gaps].sort(byKey));
    expect(found).toHaveLength(5);
    expect((await scene().store.gaps(account.id, { after: 'a0.0', limit: 9 })).data).toHaveLength(5);
  });

  it('counts() counts the gaps of all accounts, and knows since when the first waits', async () => {
    const { state, save } = await held(scene());
    const other = await held(scene(), {}, 'bo');
    const { store, clock } = scene();
    expect(await store.counts()).toMatchObject({ waitingMessages: 0, oldestWaitingAt: null });
    const [first, gap] = [scene().now, () => ({ item: scene().listed(), dueAt: scene().now, error: 'no' })];
    await save({ opened: [gap(), gap()] });
    clock.nowMs += MINUTE;
    await other.save({ opened: [gap()] });
    expect(await store.counts()).toMatchObject({ waitingMessages: 3, oldestWaitingAt: first });
    const later = new Date(clock.nowMs + MINUTE);
    const [one, two] = (await state()).gaps;
    if (one === undefined || two === undefined) throw new Error('Two gaps were opened');
    await save({ rescheduled: [{ key: one.key, dueAt: later, error: 'still' }] });
    expect(await store.counts()).toMatchObject({ waitingMessages: 3, oldestWaitingAt: first });
    await save({ closed: [one, two].map(({ key }) => ({ key, as: 'done' as const })) });
    expect(await store.counts()).toMatchObject({ waitingMessages: 1, oldestWaitingAt: scene().now });
  });

  it('pollState() gives gaps, the earliest due first, and no more than a poll is given', async () => {
    const { state, save } = await held(scene());
    const at = (ms: number) => new Date(scene().clock.nowMs + ms);
    const gap = (ms: number) => ({ item: scene().listed(), dueAt: at(ms), error: 'no' });
    await save({ opened: [gap(3 * MINUTE), gap(-MINUTE), gap(MINUTE)] });
    expect((await state()).gaps.map(({ dueAt }) => dueAt)).toEqual([at(-MINUTE), at(MINUTE), at(3 * MINUTE)]);
    await save({ opened: Array.from({ length: MAX_POLL_WORK }, () => gap(2 * MINUTE)) });
    const { gaps } = await state();
    expect(gaps).toHaveLength(MAX_POLL_WORK);
    expect(gaps[0]?.dueAt).toEqual(at(-MINUTE));
    expect(gaps.at(-1)?.dueAt).toEqual(at(2 * MINUTE));
  });

  it('saveProgress() touches no work of another account', async () => {
    const { state, save } = await held(scene());
    await save({ opened: [{ item: scene().listed(), dueAt: scene().now, error: 'no' }] });
    const [gap] = (await state()).gaps;
    if (gap === undefined) throw new Error('A gap was opened');
    const other = await scene().addAccount('bo');
    const fence = await scene().lease(other.id);
    const closed = [{ key: gap.key, as: 'done' as const }];
    await scene().store.saveProgress(fence, scene().progress({ closed }), scene().now);
    expect((await state()).gaps).toHaveLength(1);
  });

  it('updateAccount() with another login breaks continuity and fences the poll that runs', async () => {
    const { account, state, save } = await held(scene());
    await save({ cursor: scene().cursor() });
    const moved = scene().account('ana', { host: 'new.example.com' });
    await scene().store.updateAccount(account.id, { host: moved.host, loginId: moved.id });
    expect((await state()).cursors).toEqual([scene().cursor({ uidValidity: '' })]);
    expect(await save({ cursor: scene().cursor() })).toBe('fenced');
    expect(await scene().store.account(account.id)).toMatchObject({ id: account.id, loginId: moved.id });
    expect((await scene().store.acquire(account.id, 'manual', scene().now, MINUTE)).kind).toBe('acquired');
  });

  it('updateAccount() with another login takes the listing of a POP3 cursor, not its ledger', async () => {
    const { account, state, save } = await held(scene(), POP3);
    const base = await scene().blobs.put('ledger', Buffer.from('base'));
    await save({ cursor: pop3Cursor({ base }) });
    const moved = scene().account('ana', { ...POP3, host: 'new.example.com' });
    await scene().store.updateAccount(account.id, { host: moved.host, loginId: moved.id });
    expect((await state()).cursors).toEqual([pop3Cursor({ base, listingHash: null })]);
  });

  it('updateAccount() without another login leaves cursors and lease as they are', async () => {
    const { account, state, save } = await held(scene());
    await save({ cursor: scene().cursor() });
    await scene().store.updateAccount(account.id, { intervalSeconds: 60, loginId: account.loginId });
    expect((await state()).cursors).toEqual([scene().cursor()]);
    expect(await save({ cursor: scene().cursor() })).toBe('ok');
  });

  it('dropCursors() forgets cursors and gaps and fences the poll that runs', async () => {
    const { account, state, save } = await held(scene());
    await save({
      cursor: scene().cursor(),
      opened: [{ item: scene().listed(), dueAt: scene().now, error: 'no' }],
    });
    await scene().store.dropCursors(account.id);
    expect(await state()).toEqual({ cursors: [], gaps: [], settlements: [] });
    expect(await save({ cursor: scene().cursor() })).toBe('fenced');
  });
};
