import { pollAccount } from '../../functions/poll/poll.ts';
import { type ImapServer, startImapServer } from '../../local/demo/imap-server.ts';
import type { Account, AccountSettings } from '../../shared/account.ts';
import type { Outcome } from '../../shared/delivery.ts';
import type { AccountId } from '../../shared/identity.ts';
import type { PollReport } from '../../shared/operations.ts';
import type { Fetched, OpenMailSource } from '../../shared/ports/mail-source.ts';
import { openPollWorld, PASSWORD, type PollWorld, smallMail } from './poll-world.ts';

export const MINUTE_MS = 60_000;
/** A poll that nobody stops. */
export const GO = { signal: new AbortController().signal, stopping: () => false };
/** The one login of the scene's server. */
export const USERNAME = 'ana@example.com';

/** A poll world with an IMAP server, and a say in what a session fetches. */
export interface PollScene extends AsyncDisposable {
  readonly server: ImapServer;
  readonly world: PollWorld;
  /** Put between the poll and its session; empty at first. */
  during: {
    /** Sees, and may replace, each message as it is fetched. */
    fetched?(one: Fetched): Fetched | Promise<Fetched>;
    /** Is called when all were fetched. */
    ended?(): void;
  };
  inbox(name?: string): ReturnType<ImapServer['mailbox']>;
  /** So many mails come in now. */
  arrive(count: number, name?: string): void;
  /** Adds an account for the login and takes its baseline. */
  add(settings?: Partial<AccountSettings>): Promise<Account>;
  account(id: AccountId): Promise<Account>;
  /** As the schedule polls, after a minute. */
  pollBySchedule(id: AccountId): Promise<PollReport | null>;
  /** Every delivery that is due ends with a 2xx. */
  deliverAll(): Promise<void>;
}

/** Opens a scene. */
export async function openPollScene(): Promise<PollScene> {
  const wrap =
    (open: OpenMailSource): OpenMailSource =>
    async (login, signal) => {
      const source = await open(login, signal);
      return {
        ...source,
        async *fetch(items, limits) {
          for await (const one of source.fetch(items, limits)) {
            yield (await scene.during.fetched?.(one)) ?? one;
          }
          scene.during.ended?.();
        },
      };
    };
  const server = await startImapServer({ users: { [USERNAME]: { password: PASSWORD } } });
  const world = await openPollWorld(wrap);
  const scene: PollScene = {
    ...{ server, world, during: {} },
    inbox: (name) => server.mailbox(USERNAME, name),
    arrive(count, name) {
      const mailbox = scene.inbox(name);
      const { length } = mailbox.mails;
      for (let n = 0; n < count; n++) {
        mailbox.add(smallMail(`${name} ${length + n}`), { receivedAt: world.clock.now() });
      }
    },
    add: (settings = {}) =>
      world.add({ protocol: 'imap', port: server.port, username: USERNAME, ...settings }),
    async account(id) {
      const found = await world.deps.store.account(id);
      if (found === null) throw new Error('The account is gone');
      return found;
    },
    pollBySchedule(id) {
      world.clock.time += MINUTE_MS;
      return pollAccount(world.deps, id, { slot: world.clock.now().toISOString() }, GO);
    },
    deliverAll: () => deliverAll(world),
    async [Symbol.asyncDispose]() {
      await world[Symbol.asyncDispose]();
      await server.close();
    },
  };
  return scene;
}

async function deliverAll({ deps: { store }, clock }: PollWorld): Promise<void> {
  const now = clock.now();
  const { data } = await store.deliveries({}, { after: null, limit: 200 });
  const facts = { status: 200, outcome: 'delivered', error: null, durationMs: 1, response: null };
  const attempt = { at: now.toISOString(), trigger: 'schedule', ...facts } as const;
  const outcome: Outcome = { kind: 'delivered', attempt };
  const claims = await store.claim(data, now, MINUTE_MS);
  await store.finish(
    claims.map((claim) => ({ claim, outcome })),
    now,
  );
}
