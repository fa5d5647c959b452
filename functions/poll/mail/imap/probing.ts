import type { MailError } from '../../../../shared/ports/mail-source.ts';
import { MAX_PROBES, spread } from '../refusals.ts';
import { fetchRows, type Wanted } from './rows.ts';
import type { ImapSession } from './session.ts';

/** Sequence numbers looked up for a few that were not refused. */
const MAX_LOOKED_UP = 64;
const PROBE_BYTES = 1024;

/** From the body, not from the header alone, which a server may have in an index that an outage leaves alone. */
const PROBE: Wanted = {
  query: { uid: true, source: { start: 0, maxLength: PROBE_BYTES } },
  read: ({ source }) => source,
};

/**
 * Whether the server hands out any of a few other messages of the selected mailbox: then it is well, and those it `refused`
 * are at fault. Throws MailError for a failure that speaks of the server.
 */
export async function handsOutOthers(
  session: ImapSession,
  refused: ReadonlySet<number>,
  isAboutMessages: (error: MailError) => boolean,
): Promise<boolean> {
  const others = (await someUids(session)).filter((uid) => !refused.has(uid));
  for (const uid of spread(others, MAX_PROBES)) {
    const doing = `fetch the message with UID ${uid}`;
    const { bytes, error } = await fetchRows(session, [uid], PROBE, { doing, bytes: PROBE_BYTES });
    if (bytes.has(uid)) return true;
    if (error !== null && !isAboutMessages(error)) throw error;
  }
  return false;
}

/** UIDs from all over the mailbox, ascending. */
async function someUids(session: ImapSession): Promise<number[]> {
  const { mailbox } = session.client;
  const exists = mailbox === false ? 0 : mailbox.exists;
  if (exists === 0) return [];
  const numbers = Array.from({ length: exists }, (_, index) => index + 1);
  const seq = spread(numbers, MAX_LOOKED_UP).toReversed().join(',');
  const info = { doing: 'look for messages', timeoutMs: session.deadlines.commandMs };
  const found = await session.run(info, () => session.client.search({ seq }, { uid: true }));
  if (Array.isArray(found)) return found.toSorted((one, other) => one - other);
  session.refusal();
  return [];
}
