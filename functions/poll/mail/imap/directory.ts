import type { ListResponse } from 'imapflow';
import { canonicalMailbox } from '../../../../shared/identity.ts';
import { MailError } from '../../../../shared/ports/mail-source.ts';
import { MAX_NAMES_SHOWN } from './limits.ts';
import { quotable } from './server-text.ts';
import type { ImapSession } from './session.ts';

/** The mailboxes of the account, asked for once in a session and only when they are needed. */
export interface Directory {
  /**
   * The full name that a name means: a special use (RFC 6154: `\Archive`, `\Junk`, `\Sent`, …) is looked up, and the
   * prefix of the personal namespace is put before others. Null when no mailbox has that use.
   */
  resolve(asked: string): Promise<string | null>;
  /** What is known of a mailbox by its full name; null when there is none. */
  find(path: string): Promise<{ readonly canBeOpened: boolean } | null>;
  /** Creates a mailbox by its full name. Throws MailError. */
  create(path: string): Promise<void>;
  /** "this account has …", for the message about a mailbox that does not exist. */
  describe(): Promise<string>;
}

const SPECIAL_USE = /^\\[A-Za-z]+$/;
const CANNOT_BE_OPENED = new Set(['\\noselect', '\\nonexistent']);

/** The directory of a session. */
export function createDirectory(session: ImapSession): Directory {
  const { client, deadlines } = session;
  let listed: ListResponse[] | null = null;
  const entries = async () => {
    const info = { doing: 'list the mailboxes', timeoutMs: deadlines.commandMs };
    listed ??= await session.run(info, () => client.list());
    return listed;
  };
  const names = async () => (await entries()).filter(canBeOpened).map(({ path }) => canonicalMailbox(path));

  return {
    async resolve(asked) {
      refuseUnsendable(asked);
      if (!SPECIAL_USE.test(asked)) return withPrefix(asked, client.namespace?.prefix ?? '');
      const use = asked.toLowerCase();
      if (use === '\\inbox') return 'INBOX';
      return (await entries()).find((entry) => entry.specialUse?.toLowerCase() === use)?.path ?? null;
    },
    async find(path) {
      const entry = (await entries()).find((one) => one.path === path && !has(one, '\\nonexistent'));
      return entry === undefined ? null : { canBeOpened: canBeOpened(entry) };
    },
    async create(path) {
      const doing = `create the mailbox "${quotable(path, [])}"`;
      try {
        await session.run({ doing, timeoutMs: deadlines.commandMs, phase: 'mailbox' }, () =>
          client.mailboxCreate(path),
        );
      } catch (error) {
        throw withSeparator(error, path, client.namespace?.delimiter);
      }
      listed = null;
    },
    async describe() {
      const all = await names();
      const shown = all.slice(0, MAX_NAMES_SHOWN).map((name) => `"${quotable(name, [])}"`);
      const rest = all.length - shown.length;
      return `this account has ${shown.join(', ') || 'none'}${rest > 0 ? ` and ${rest} more` : ''}`;
    },
  };
}

/** Says how the server separates the levels of a name, when the one that it refused seems to separate them otherwise. */
function withSeparator(error: unknown, path: string, separator: string | null | undefined): unknown {
  if (!(error instanceof MailError) || error.code !== 'mailbox') return error;
  const foreign = ['/', '.', '\\'].some((one) => one !== separator && path.includes(one));
  if (!separator || !foreign) return error;
  const advice = `this server separates the levels of a mailbox name by "${quotable(separator, [])}"`;
  return new MailError('mailbox', `${error.message}; ${advice}`, { cause: error });
}

/** Why a mailbox name cannot be sent at all; null when it can. */
export function nameProblem(mailbox: string): string | null {
  if (mailbox === '') return 'the mailbox name is empty';
  return /[\r\n\0]/.test(mailbox) ? 'the mailbox name has a line break or NUL in it' : null;
}

function refuseUnsendable(mailbox: string): void {
  const problem = nameProblem(mailbox);
  if (problem !== null) throw new MailError('mailbox', `Cannot use "${quotable(mailbox, [])}": ${problem}`);
}

function withPrefix(asked: string, prefix: string): string {
  const name = canonicalMailbox(asked);
  return name === 'INBOX' || name.startsWith(prefix) ? name : `${prefix}${name}`;
}

function canBeOpened(entry: ListResponse): boolean {
  return [...entry.flags].every((flag) => !CANNOT_BE_OPENED.has(flag.toLowerCase()));
}

function has(entry: ListResponse, wanted: string): boolean {
  return [...entry.flags].some((flag) => flag.toLowerCase() === wanted);
}
