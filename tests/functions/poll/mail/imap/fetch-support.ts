import type { MailSource } from '../../../../../shared/ports/mail-source.ts';
import type { ScriptedServer, Step } from '../../../../support/scripted-server.ts';
import { loggedIn, opened } from './imap-script.ts';
import { brief, cursor, item, mailError, open, scripted } from './imap-support.ts';

/** Messages above this size are not fetched whole. */
export const LIMITS = { maxSizeBytes: 25_000_000 };

/** A source that has INBOX with three messages listed, and the server's answers to what it asks then. */
export async function listed(...steps: Step[]): Promise<{ source: MailSource; server: ScriptedServer }> {
  const server = await scripted([...loggedIn(), ...opened(), ...steps]);
  const source = await open(server);
  await source.list('INBOX', cursor());
  return { source, server };
}

/** What comes before the fetch fails, and how. */
export async function untilError(source: MailSource, uids: readonly number[]) {
  const got: string[] = [];
  const error = await mailError(
    (async () => {
      const items = uids.map((uid) => item(uid));
      for await (const fetched of source.fetch(items, LIMITS)) got.push(brief(fetched));
    })(),
  );
  return { got, error };
}
