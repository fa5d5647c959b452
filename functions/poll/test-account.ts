import type { Account } from '../../shared/account.ts';
import type { AccountTest } from '../../shared/operations.ts';
import { MailError } from '../../shared/ports/mail-source.ts';
import type { PollDeps } from './deps.ts';
import { mailboxesOf, openAccount } from './session.ts';

/** Logs in and opens every mailbox, keeping nothing; see `Operations.testAccount`. */
export async function testAccount(
  deps: PollDeps,
  account: Account,
  signal: AbortSignal,
): Promise<AccountTest> {
  try {
    const source = await openAccount(deps, account, { readOnly: true, signal });
    try {
      const mailboxes: { name: string; messages: number }[] = [];
      for (const mailbox of mailboxesOf(account)) {
        const { exists } = await source.list(mailbox, null);
        mailboxes.push({ name: mailbox, messages: exists });
      }
      return { ok: true, mailboxes };
    } finally {
      await source.close('commit');
    }
  } catch (failure) {
    if (!(failure instanceof MailError)) throw failure;
    return { ok: false, code: failure.code, message: failure.message };
  }
}
