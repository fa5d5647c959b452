import { ImapFlow, type ImapFlowOptions } from 'imapflow';
import { afterEach } from 'vitest';
import type { Step } from '../../../../support/scripted-server.ts';
import { loggedIn, looked, opened } from './imap-script.ts';
import { scripted } from './imap-support.ts';

const clients: ImapFlow[] = [];

afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});

/** An entry of the log. */
interface Warning {
  readonly err?: Error & Record<string, unknown>;
}

/** A connected client, and what it told its logger as warnings. */
export async function connected(
  steps: readonly Step[],
  options: ImapFlowOptions = {},
): Promise<{ client: ImapFlow; warnings: Warning[]; received: () => readonly string[] }> {
  const server = await scripted(steps);
  const warnings: Warning[] = [];
  const ignore = () => undefined;
  const client = new ImapFlow({
    host: '127.0.0.1',
    port: server.port,
    secure: false,
    doSTARTTLS: false,
    disableAutoIdle: true,
    auth: { user: 'ana', pass: 's3cret' },
    logger: { debug: ignore, info: ignore, error: ignore, warn: (entry: Warning) => warnings.push(entry) },
    ...options,
  });
  client.on('error', ignore);
  clients.push(client);
  await client.connect();
  return { client, warnings, received: () => server.received };
}

/** The same with INBOX open. */
export async function selected(
  steps: readonly Step[],
  capabilities = '',
  box: Parameters<typeof opened>[0] = {},
) {
  const session = await connected([...loggedIn(capabilities), ...looked(), ...opened(box), ...steps]);
  await session.client.mailboxOpen('INBOX');
  return session;
}
