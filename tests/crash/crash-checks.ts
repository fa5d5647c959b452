import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { expect } from 'vitest';
import { serveFile } from '../../functions/files/serve-file.ts';
import type { Embedded } from '../../shared/embedded/open.ts';
import type { Envelope, MessageData } from '../../shared/event.ts';
import type { ReceivedRequest } from '../support/receiver.ts';
import { silentLog } from '../support/silent-log.ts';
import type { Ended } from './crash-process.ts';
import type { CrashWorld, Placed } from './crash-world.ts';

/** What nobody refers to is swept after an hour. */
const LATER_MS = 2 * 3_600_000;

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/**
 * The promises that hold whatever was killed, and whenever, once a round has ended by itself. `refusals` is how often the
 * receiver asked for a mail again, at most. @default 0
 */
export async function expectExactlyOnce(world: CrashWorld, refusals = 0): Promise<void> {
  expectDelivered(world);
  expectNoNeedlessRepeats(world, refusals);
  expectTrueBodies(world);
  expectSettled(world);
  await expectKeptAndSwept(world);
}

function wanted({ placed }: CrashWorld): Placed[] {
  return placed.filter(({ mail }) => mail.fate === 'settled');
}

/** Each mail that arrived after the baseline, by its one id; nothing else, and nothing wrong with any request. */
function expectDelivered(world: CrashWorld): void {
  const { receiver, placed } = world;
  expect(receiver.faults).toEqual([]);
  expect([...receiver.accepted.keys()].sort()).toEqual(
    wanted(world)
      .map(({ id }) => id)
      .sort(),
  );
  const asked = new Set(receiver.requests.map(({ id }) => id));
  const known = new Set<string>(placed.map(({ id }) => id));
  expect([...asked].filter((id) => !known.has(id))).toEqual([]);
}

/** A request is repeated only when its process was killed between sending it and recording the answer, with the same bytes. */
function expectNoNeedlessRepeats({ receiver, placed, rounds }: CrashWorld, refusals: number): void {
  for (const { id, mail } of placed) {
    const interrupted = rounds.filter((round) => round.killed && isUnrecorded(round, id)).length;
    const hashes = receiver.requests.filter((request) => request.id === id).map(({ body }) => sha256(body));
    const forms = new Set(hashes);
    // The whole event, and without its text where that was too large.
    expect(forms.size, `forms of "${mail.subject}"`).toBeLessThanOrEqual(mail.subject === 'bulky' ? 2 : 1);
    for (const form of forms) {
      const times = hashes.filter((hash) => hash === form).length;
      expect(times, `requests of "${mail.subject}"`).toBeLessThanOrEqual(1 + refusals + interrupted);
    }
    const accepted = receiver.accepted.get(id)?.length ?? 0;
    expect(accepted, `2xx of "${mail.subject}"`).toBeLessThanOrEqual(1 + interrupted);
  }
}

/** Whether the process died after it had begun an attempt and before it knew that the outcome was recorded. */
function isUnrecorded({ steps }: Ended, id: string): boolean {
  const count = (step: string, moment: string) =>
    steps.filter((one) => one.step === step && one.moment === moment && one.ids.includes(id)).length;
  return count('post.post', 'before') > count('store.finish', 'after');
}

/** The event says which mail it is, and carries the digest of the bytes that the server has. */
function expectTrueBodies({ receiver, placed }: CrashWorld): void {
  for (const { id, mail } of placed) {
    for (const request of receiver.requests.filter((one) => one.id === id)) {
      expect(eventIn(request)).toMatchObject({
        type: 'message.received',
        data: {
          id,
          subject: mail.subject,
          size: mail.raw.length,
          raw: { sha256: sha256(mail.raw) },
          backfill: false,
          parseError: null,
        },
      });
    }
  }
}

function eventIn({ body }: ReceivedRequest): Envelope<MessageData> {
  return JSON.parse(body.toString()) as Envelope<MessageData>;
}

/** What was delivered is settled, nothing else is, and nothing was before its 2xx. */
function expectSettled(world: CrashWorld): void {
  const { kind } = world.options.onDelivered;
  const expected = world.placed.map(({ mail }) => [mail.subject, mail.fate === 'settled' ? kind : 'none']);
  expect(world.placed.map(({ mail, action }) => [mail.subject, action()])).toEqual(expected);
  expect([...world.early]).toEqual([]);
}

/** Whatever was killed between making a link and committing it, the one that a receiver has leads to its mail. */
async function expectLinksWork(
  { receiver, placed }: CrashWorld,
  { store, blobs }: Pick<Embedded, 'store' | 'blobs'>,
  now: Date,
): Promise<void> {
  const cutter = {
    cut: () => Promise.reject(new Error('Nothing is to be cut')),
    close: async () => undefined,
  };
  const clock = { now: () => now };
  const deps = { store, blobs, cutter, presign: null, linkDays: 30, clock, log: silentLog };
  for (const { id, mail } of placed) {
    for (const request of receiver.requests.filter((one) => one.id === id)) {
      const path = new URL(eventIn(request).data.raw.href ?? '').pathname;
      const { status, body } = await serveFile(deps, { method: 'GET', path, headers: {} });
      expect(status, `the link of "${mail.subject}"`).toBe(200);
      expect(body instanceof Readable ? sha256(await buffer(body)) : body).toBe(sha256(mail.raw));
    }
  }
}

/** The raw mails are kept whole, every settlement is recorded, and what the crash left behind is swept. */
async function expectKeptAndSwept(world: CrashWorld): Promise<void> {
  const later = new Date(Date.now() + LATER_MS);
  const check = async ({ store, blobs, maintain }: Embedded) => {
    await maintain(later);
    const { data } = await store.messages({}, { after: null, limit: 200 });
    expect(data.length).toBe(world.placed.length);
    for (const { event } of data) {
      const mail = world.placed.find(({ id }) => id === event.id)?.mail;
      const raw = event.raw === null ? Buffer.alloc(0) : await blobs.read(event.raw);
      expect(sha256(raw)).toBe(sha256(mail?.raw ?? Buffer.alloc(0)));
      const settled = mail?.fate === 'settled' ? 'done' : 'none';
      expect([event.subject, event.settlement.state]).toEqual([mail?.subject, settled]);
    }
    await expectLinksWork(world, { store, blobs }, later);
    const { cursors } = await store.pollState(world.accountId, later);
    const refs = [
      ...data.flatMap(({ event, deliveries }) => [
        event.raw,
        event.body,
        ...deliveries.map(({ body }) => body),
      ]),
      ...cursors.flatMap((cursor) => (cursor.protocol === 'pop3' ? [cursor.base, cursor.backfill] : [])),
    ];
    const packs = new Set(refs.filter((ref) => ref !== null).map((ref) => ref.split('.', 1)[0]));
    expect(readdirSync(join(world.folder, 'blobs')).sort()).toEqual([...packs].sort());
  };
  await world.inFolder(check, { now: () => later });
}
