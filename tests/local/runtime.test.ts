import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createAdminApp } from '../../functions/admin/app.ts';
import { type ImapServer, startImapServer } from '../../local/demo/imap-server.ts';
import { type Runtime, type RuntimePorts, startRuntime } from '../../local/runtime.ts';
import { openEmbedded } from '../../shared/embedded/open.ts';
import type { AccountId } from '../../shared/identity.ts';
import { systemClock } from '../../shared/ports/clock.ts';
import type { OpenMailSource } from '../../shared/ports/mail-source.ts';
import { smallMail } from '../support/poll-world.ts';
import { startReceiver } from '../support/receiver.ts';
import { silentLog } from '../support/silent-log.ts';

const PASSWORD = 'secret';
const USERS = Array.from({ length: 12 }, (_, index) => `user${index}`);

let server: ImapServer;
let folder: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mailhook-runtime-'));
  server = await startImapServer({
    users: Object.fromEntries(USERS.map((name) => [name, { password: PASSWORD }])),
  });
});
afterEach(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A runtime whose mail sessions are opened by what `wrap` makes of the real way. */
function start(
  wrap: (open: OpenMailSource) => OpenMailSource = (open) => open,
  graceMs = 100,
): Promise<Runtime> {
  return startRuntime({
    ...{ folder, egress: 'private-ok', clock: systemClock, log: silentLog, graceMs },
    wrap: (ports: RuntimePorts) => ({ ...ports, openSource: wrap(ports.openSource) }),
  });
}

async function call<Answer>({ embedded, ...runtime }: Runtime, path: string, body: unknown): Promise<Answer> {
  const { store, vault, blobs } = embedded;
  const { operations, egress } = runtime;
  const parts = { store, vault, blobs, linkDays: 30, operations, egress, clock: systemClock, log: silentLog };
  const response = await createAdminApp({ ...parts, random: randomBytes, version: '0' }).request(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(await response.text());
  return (await response.json()) as Answer;
}

async function addAccount(runtime: Runtime, username: string): Promise<AccountId> {
  const login = { host: '127.0.0.1', port: server.port, security: 'none', username, password: PASSWORD };
  const settings = { ...login, name: username, intervalSeconds: 86_400 };
  return (await call<{ id: AccountId }>(runtime, '/v1/accounts', settings)).id;
}

/** Holds every session's first listing while `held` is set, and tells how many there were at most at once. */
function gate() {
  const state = { held: false, now: 0, most: 0 };
  const arrived = Promise.withResolvers<void>();
  const opened = Promise.withResolvers<void>();
  const wrap =
    (open: OpenMailSource): OpenMailSource =>
    async (login, signal) => {
      state.now += 1;
      state.most = Math.max(state.most, state.now);
      const source = await open(login, signal);
      let isOpen = true;
      return {
        ...source,
        async list(mailbox, cursor) {
          if (state.held) {
            arrived.resolve();
            await opened.promise;
          }
          return await source.list(mailbox, cursor);
        },
        async close(how) {
          if (isOpen) state.now -= 1;
          isOpen = false;
          return await source.close(how);
        },
      };
    };
  return { state, arrived: arrived.promise, open: opened.resolve, wrap };
}

describe('close()', () => {
  it('cuts off what a receiver does not answer, and charges no attempt', async () => {
    await using receiver = await startReceiver();
    receiver.withhold();
    const runtime = await start();
    await call(runtime, '/v1/webhooks', { url: receiver.url, timeoutSeconds: 30 });
    const id = await addAccount(runtime, 'user0');
    server.mailbox('user0').add(smallMail(1));
    await runtime.operations.poll([id]);
    await receiver.whenReceived(1);
    const startedAt = performance.now();
    await runtime.close();
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    const { store, close } = await openEmbedded({ folder, clock: systemClock });
    const { data } = await store.deliveries({}, { after: null, limit: 10 });
    await close();
    expect(data).toMatchObject([{ state: 'pending', attemptCount: 0, attempts: [{ outcome: 'internal' }] }]);
    receiver.release();
  });

  it('lets a poll that somebody asked for end before it closes the data folder', async () => {
    const { state, arrived, open, wrap } = gate();
    const runtime = await start(wrap, 20_000);
    const id = await addAccount(runtime, 'user0');
    state.held = true;
    const polled = runtime.operations.poll([id]);
    await arrived;
    const closing = runtime.close();
    // What would close the folder too early has done so by then.
    for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve));
    open();
    expect(await polled).toMatchObject([{ outcome: 'ok' }]);
    await closing;
  });
});

describe('operations.poll()', () => {
  it('polls a few accounts at a time, and reports on all of them in the order asked for', async () => {
    const { state, wrap } = gate();
    const runtime = await start(wrap);
    const ids: AccountId[] = [];
    for (const name of USERS) ids.push(await addAccount(runtime, name));
    state.most = 0;
    const reports = await runtime.operations.poll(ids);
    expect(reports.map(({ name, outcome }) => `${name} ${outcome}`)).toEqual(
      USERS.map((name) => `${name} ok`),
    );
    expect(state.most).toBeGreaterThan(1);
    expect(state.most).toBeLessThanOrEqual(5);
    await runtime.close();
  });
});
