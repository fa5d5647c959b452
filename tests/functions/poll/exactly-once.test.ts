import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { startImapServer } from '../../../local/demo/imap-server.ts';
import { startPop3Server } from '../../../local/demo/pop3-server.ts';
import { type Fetched, MailError, type OpenMailSource } from '../../../shared/ports/mail-source.ts';
import { openPollWorld, PASSWORD, type PollWorld, smallMail } from '../../support/poll-world.ts';

/** What may happen to a mailbox, to the connection and to the process. */
type Happening =
  | { readonly kind: 'arrive'; readonly count: number }
  | { readonly kind: 'remove'; readonly index: number }
  | { readonly kind: 'renumber' }
  | { readonly kind: 'poll' }
  /** The connection drops after so many messages. */
  | { readonly kind: 'drop'; readonly after: number }
  | { readonly kind: 'restart' };

const happening = (kinds: readonly fc.Arbitrary<Happening>[]) =>
  fc.array(fc.oneof(...kinds), { maxLength: 14 });
const common: fc.Arbitrary<Happening>[] = [
  fc.record({ kind: fc.constant('arrive' as const), count: fc.integer({ min: 1, max: 4 }) }),
  fc.record({ kind: fc.constant('remove' as const), index: fc.nat(9) }),
  fc.constant({ kind: 'poll' as const }),
  fc.record({ kind: fc.constant('drop' as const), after: fc.nat(3) }),
  fc.constant({ kind: 'restart' as const }),
];

/** Lets the test cut the next fetches off. */
function cutter() {
  const cut = { after: Number.POSITIVE_INFINITY };
  const wrap =
    (open: OpenMailSource): OpenMailSource =>
    async (login, signal) => {
      const source = await open(login, signal);
      return {
        ...source,
        async *fetch(items, limits): AsyncIterable<Fetched> {
          let given = 0;
          for await (const fetched of source.fetch(items, limits)) {
            if (given++ >= cut.after) throw new MailError('network', 'cut off by the test');
            yield fetched;
          }
        },
      };
    };
  return { cut, wrap };
}

/** A mailbox as another client sees it. */
interface Box {
  add(mail: Buffer): void;
  remove(index: number): string | null;
  renumber(): void;
  left(): string[];
}

const subjectOf = (raw: Uint8Array) => /Subject: (.*)\r\n/.exec(Buffer.from(raw).toString())?.[1] ?? '';

async function run(
  world: PollWorld,
  id: Parameters<PollWorld['poll']>[0],
  box: Box,
  happenings: readonly Happening[],
  cut: { after: number },
) {
  let number = 0;
  for (const one of happenings) {
    world.clock.time += 61_000;
    if (one.kind === 'arrive') for (let n = 0; n < one.count; n++) box.add(smallMail(++number, number));
    if (one.kind === 'remove') box.remove(one.index);
    if (one.kind === 'renumber') box.renumber();
    if (one.kind === 'restart') await world.reopen();
    if (one.kind === 'poll') await world.poll(id);
    if (one.kind === 'drop') {
      cut.after = one.after;
      await world.poll(id);
      cut.after = Number.POSITIVE_INFINITY;
    }
  }
  world.clock.time += 61_000;
  await world.poll(id);
  await world.poll(id);
  const subjects = (await world.messages()).map(({ event }) => event.subject ?? '');
  // Nothing twice, and nothing that is still there is missing.
  expect(subjects.length).toBe(new Set(subjects).size);
  expect(box.left().filter((subject) => !subjects.includes(subject))).toEqual([]);
}

describe('poll', () => {
  it('makes one event of each IMAP message, whatever happens to mailbox, connection and process', async () => {
    await fc.assert(
      fc.asyncProperty(
        happening([...common, fc.constant({ kind: 'renumber' as const })]),
        async (happenings) => {
          const server = await startImapServer({ users: { ana: { password: PASSWORD } } });
          const { cut, wrap } = cutter();
          await using world = await openPollWorld(wrap);
          const mailbox = server.mailbox('ana');
          const { id } = await world.add({ protocol: 'imap', port: server.port, username: 'ana' });
          const box: Box = {
            add: (mail) => void mailbox.add(mail, { receivedAt: world.clock.now() }),
            remove(index) {
              const mail = mailbox.mails[index];
              if (mail === undefined) return null;
              mailbox.remove([mail.uid]);
              return subjectOf(mail.raw);
            },
            renumber: () => mailbox.renumber(),
            left: () => mailbox.mails.map(({ raw }) => subjectOf(raw)),
          };
          try {
            await run(world, id, box, happenings, cut);
          } finally {
            await server.close();
          }
        },
      ),
      { numRuns: 15 },
    );
  }, 120_000);

  it('makes one event of each POP3 message, whatever happens to maildrop, connection and process', async () => {
    await fc.assert(
      fc.asyncProperty(happening(common), async (happenings) => {
        const server = await startPop3Server({ users: { ana: { password: PASSWORD } } });
        const { cut, wrap } = cutter();
        await using world = await openPollWorld(wrap);
        const { id } = await world.add({ protocol: 'pop3', port: server.port, username: 'ana' });
        const box: Box = {
          add: (mail) => void server.add('ana', mail),
          remove: () => null,
          renumber: () => undefined,
          left: () => server.mails('ana').map(({ raw }) => subjectOf(raw)),
        };
        try {
          await run(world, id, box, happenings, cut);
        } finally {
          await server.close();
        }
      }),
      { numRuns: 15 },
    );
  }, 120_000);
});
