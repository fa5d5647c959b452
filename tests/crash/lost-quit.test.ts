import { expect, it } from 'vitest';
import { startPop3Server } from '../../local/demo/pop3-server.ts';
import type { Outcome } from '../../shared/delivery.ts';
import type { OpenMailSource } from '../../shared/ports/mail-source.ts';
import { addWebhook, openPollWorld, PASSWORD, type PollWorld, smallMail } from '../support/poll-world.ts';

/** A source whose QUIT is done by the server, though its answer is lost. */
const losesQuit =
  (open: OpenMailSource): OpenMailSource =>
  async (login, signal) => {
    const source = await open(login, signal);
    return {
      ...source,
      close: async (how) => {
        await source.close(how);
        return 'unknown';
      },
    };
  };

async function deliverAll({ deps, clock }: PollWorld, webhookId: Awaited<ReturnType<typeof addWebhook>>) {
  const { data } = await deps.store.messages({}, { after: null, limit: 100 });
  const refs = data.map(({ event }) => ({ eventId: event.id, webhookId }));
  const claims = await deps.store.claim(refs, clock.now(), 60_000);
  const attempt = { at: '', trigger: 'schedule', status: 200, outcome: 'delivered', error: null } as const;
  const outcome: Outcome = { kind: 'delivered', attempt: { ...attempt, durationMs: 1, response: null } };
  await deps.store.finish(
    claims.map((claim) => ({ claim, outcome })),
    clock.now(),
  );
}

it('takes no new mail for a renumbered maildrop when the answer to its own QUIT was lost', async () => {
  const server = await startPop3Server({ users: { ana: { password: PASSWORD } } });
  await using world = await openPollWorld(losesQuit);
  const webhookId = await addWebhook(world, ['*']);
  const login = { protocol: 'pop3', port: server.port, username: 'ana' } as const;
  const { id } = await world.add({ ...login, onDelivered: { kind: 'delete' } });
  for (const number of [1, 2, 3]) server.add('ana', smallMail(number));
  await world.poll(id);
  await deliverAll(world, webhookId);
  await world.poll(id);
  expect(server.mails('ana')).toEqual([]);

  server.add('ana', smallMail(4));
  // Sooner than the settlements are tried again.
  world.clock.time += 5_000;
  await world.poll(id);

  const { data } = await world.deps.store.deliveries({}, { after: null, limit: 100 });
  const events = await Promise.all(data.map(({ eventId }) => world.deps.store.message(eventId)));
  expect(events.map((event) => event?.event.type)).toEqual(Array(4).fill('message.received'));
  await server.close();
});
