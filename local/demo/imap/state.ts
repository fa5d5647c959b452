import type { ImapArgument } from './command.ts';
import { isInSet, type NumberSet, parseNumberSet } from './number-set.ts';
import type { NumberedMail } from './search.ts';
import type { ImapServerAccount, ImapServerMailbox } from './store.ts';

/** How the server differs from a complete one, as real servers do. */
export interface ImapServerQuirks {
  /** Whether MOVE (RFC 6851) is offered. @default true */
  readonly move?: boolean;
  /** Whether UIDPLUS (RFC 4315) is offered. @default true */
  readonly uidPlus?: boolean;
  /** Whether SELECT tells UIDNEXT. @default true */
  readonly uidNext?: boolean;
  /** Whether SELECT tells UIDVALIDITY. @default true */
  readonly uidValidity?: boolean;
  /** Whether SELECT opens mailboxes for reading only, as EXAMINE does. @default false */
  readonly readOnly?: boolean;
  /** The flags that are kept; null to keep all and not say so. @default the system flags and `\*`, any keyword */
  readonly permanentFlags?: readonly string[] | null;
}

/** The mailbox that a session has open, with the numbers that it gave its mails. */
export class SelectedMailbox {
  readonly mailbox: ImapServerMailbox;
  readonly readOnly: boolean;
  #uids: number[];

  constructor(mailbox: ImapServerMailbox, readOnly: boolean) {
    this.mailbox = mailbox;
    this.readOnly = readOnly;
    this.#uids = mailbox.mails.map(({ uid }) => uid);
  }

  get count(): number {
    return this.#uids.length;
  }

  /** The mails that the session knows of and that are still there. */
  get view(): NumberedMail[] {
    return this.#uids.flatMap((uid, index) => {
      const mail = this.mailbox.mail(uid);
      return mail === null ? [] : [{ number: index + 1, mail }];
    });
  }

  /** Of `view`, those in a set of UIDs or numbers. */
  pick(set: string, isUid: boolean): NumberedMail[] {
    const { view } = this;
    const numberOf = ({ number, mail }: NumberedMail) => (isUid ? mail.uid : number);
    const numbers: NumberSet = parseNumberSet(set, Math.max(0, ...view.map(numberOf)));
    return view.filter((mail) => isInSet(numbers, numberOf(mail)));
  }

  /** The answers that tell the session what is new since it last heard of the mailbox (RFC 9051 section 7.5.1). */
  takeNews(mayExpunge: boolean): string[] {
    const news: string[] = [];
    if (mayExpunge) {
      // From the last to the first, so that the numbers before it still hold.
      for (let index = this.#uids.length - 1; index >= 0; index--) {
        if (this.mailbox.mail(this.#uids[index] ?? 0) !== null) continue;
        this.#uids.splice(index, 1);
        news.push(`* ${index + 1} EXPUNGE`);
      }
    }
    const highest = this.#uids.at(-1) ?? 0;
    const arrived = this.mailbox.mails.filter(({ uid }) => uid > highest);
    if (arrived.length > 0) {
      this.#uids.push(...arrived.map(({ uid }) => uid));
      news.push(`* ${this.#uids.length} EXISTS`);
    }
    return news;
  }
}

/** What the commands of a session work with. */
export interface SessionState {
  readonly quirks: Required<ImapServerQuirks>;
  readonly account: ImapServerAccount;
  selected: SelectedMailbox | null;
  /** Sends one answer line; parts are sent as they are, the line end is added. */
  send(...parts: readonly (string | Buffer)[]): void;
}

/** Does a command and answers with its completion: `OK …`, `NO …`. Throws BadCommandError. */
export type CommandHandler = (state: SessionState, args: readonly ImapArgument[], isUid: boolean) => string;

/** Of these flags, those the server keeps. */
export function keptFlags(
  { permanentFlags }: Required<ImapServerQuirks>,
  flags: readonly string[],
): string[] {
  if (permanentFlags === null || permanentFlags.includes('\\*')) return [...flags];
  const kept = new Set(permanentFlags.map((flag) => flag.toLowerCase()));
  return flags.filter((flag) => kept.has(flag.toLowerCase()));
}
