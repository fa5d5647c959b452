import { expect, it } from 'vitest';
import { startImapServer } from '../../../local/demo/imap-server.ts';
import { openPollWorld, PASSWORD, smallMail } from '../../support/poll-world.ts';

it('lets the server write its UIDVALIDITY down at the baseline, and changes nothing in a poll without settlements', async () => {
  const server = await startImapServer({ users: { ana: { password: PASSWORD } } });
  const modes: string[] = [];
  const world = await openPollWorld((open) => async (login, signal) => {
    modes.push(login.readOnly ? 'EXAMINE' : 'SELECT');
    return await open(login, signal);
  });
  try {
    const { id } = await world.add({ protocol: 'imap', port: server.port, username: 'ana' });
    server.mailbox('ana').add(smallMail('one'), { receivedAt: world.clock.now() });

    expect(await world.poll(id)).toMatchObject({ committed: 1 });

    expect(modes).toEqual(['SELECT', 'EXAMINE']);
  } finally {
    await world[Symbol.asyncDispose]();
    await server.close();
  }
});
