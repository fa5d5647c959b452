import type { OpenedMailbox } from './mailbox.ts';
import { quotable } from './server-text.ts';
import {
  allOf,
  DONE,
  flagsOf,
  GONE,
  refused,
  retry,
  type SettledByUid,
  type Settling,
  selectSource,
  settledByRefusal,
} from './settled.ts';
import { uidSet } from './uid-set.ts';

/** Sets a flag on messages and looks whether it is there: imapflow answers `true` for UIDs that do not exist. */
export async function addFlag(
  settling: Settling,
  uids: readonly number[],
  flag: string,
): Promise<SettledByUid> {
  const { session, mailbox } = settling;
  const spelling = permittedFlag(mailbox, flag);
  if (spelling === null) {
    const allowed = quotable([...(mailbox.permanentFlags ?? [])].join(' '), []) || 'none';
    return allOf(uids, refused(`the mailbox does not keep the flag ${flag}; it keeps: ${allowed}`));
  }
  await selectSource(settling);
  const info = { doing: `set the flag ${flag}`, timeoutMs: session.deadlines.commandMs };
  const stored = await session.run(info, () =>
    session.client.messageFlagsAdd(uidSet(uids), [spelling], { uid: true, silent: true }),
  );
  if (!stored) return allOf(uids, settledByRefusal(session.refusal()));
  const flags = await flagsOf(settling, uids);
  return new Map(
    uids.map((uid) => {
      const present = flags.get(uid);
      if (present === undefined) return [uid, GONE];
      const kept = present.has(spelling.toLowerCase());
      return [uid, kept ? DONE : retry(`the server said OK and did not keep the flag ${flag}`)];
    }),
  );
}

/** The flag as the server spells it, for flags are case-insensitive; null when it cannot be kept (RFC 9051 section 7.1). */
export function permittedFlag({ permanentFlags }: OpenedMailbox, flag: string): string | null {
  if (permanentFlags === null) return flag;
  const wanted = flag.toLowerCase();
  const own = [...permanentFlags].find((one) => one.toLowerCase() === wanted);
  return own ?? (permanentFlags.has('\\*') ? flag : null);
}
