/** A mail in a mailbox of the IMAP server. */
export interface StoredImapMail {
  readonly uid: number;
  readonly raw: Buffer;
  readonly receivedAt: Date;
  /** As they were set; flags are compared without regard to case. */
  readonly flags: ReadonlySet<string>;
}

/** How a mail comes into a mailbox. */
interface MailArrival {
  /** @default none */
  readonly flags?: Iterable<string>;
  /** INTERNALDATE. @default now */
  readonly receivedAt?: Date;
}

/** A mailbox in memory. Mails are replaced as a whole when their flags change. */
export class ImapServerMailbox {
  readonly name: string;
  /** Its special use, `\Archive` for example (RFC 6154). */
  readonly specialUse: string | null;
  readonly #onChange: () => void;
  /** By UID, and so in the order of their arrival. */
  #mails = new Map<number, StoredImapMail>();
  #uidValidity: number;
  #uidNext = 1;

  constructor(name: string, specialUse: string | null, uidValidity: number, onChange: () => void) {
    this.name = name;
    this.specialUse = specialUse;
    this.#uidValidity = uidValidity;
    this.#onChange = onChange;
  }

  get uidValidity(): number {
    return this.#uidValidity;
  }

  get uidNext(): number {
    return this.#uidNext;
  }

  /** Oldest first. */
  get mails(): StoredImapMail[] {
    return [...this.#mails.values()];
  }

  /** Null when it is gone. */
  mail(uid: number): StoredImapMail | null {
    return this.#mails.get(uid) ?? null;
  }

  add(raw: Uint8Array, { flags = [], receivedAt = new Date() }: MailArrival = {}): StoredImapMail {
    const mail = { uid: this.#uidNext, raw: Buffer.from(raw), receivedAt, flags: new Set(flags) };
    this.#uidNext += 1;
    this.#mails.set(mail.uid, mail);
    this.#onChange();
    return mail;
  }

  /** Puts other flags on a mail; does nothing when it is gone. */
  setFlags(uid: number, flags: Iterable<string>): void {
    const mail = this.#mails.get(uid);
    if (mail === undefined) return;
    this.#mails.set(uid, { ...mail, flags: new Set(flags) });
    this.#onChange();
  }

  /** Takes mails away for good. */
  remove(uids: Iterable<number>): void {
    for (const uid of uids) this.#mails.delete(uid);
    this.#onChange();
  }

  /** What a server does after it lost its index: another UIDVALIDITY, and UIDs from 1 on. */
  renumber(): void {
    const mails = this.mails.map((mail, index) => ({ ...mail, uid: index + 1 }));
    this.#uidValidity += 1;
    this.#mails = new Map(mails.map((mail) => [mail.uid, mail]));
    this.#uidNext = mails.length + 1;
    this.#onChange();
  }
}

/** A login of the IMAP server with its mailboxes. */
export class ImapServerAccount {
  readonly password: string;
  readonly #mailboxes = new Map<string, ImapServerMailbox>();
  readonly #watchers = new Set<() => void>();
  #nextUidValidity = 1_700_000_001;

  constructor(password: string) {
    this.password = password;
    this.create('INBOX');
  }

  get mailboxes(): readonly ImapServerMailbox[] {
    return [...this.#mailboxes.values()];
  }

  /** Null when there is none; `INBOX` in any case. */
  mailbox(name: string): ImapServerMailbox | null {
    return this.#mailboxes.get(keyOf(name)) ?? null;
  }

  /** Null when it is there already. A mailbox made anew has another UIDVALIDITY than the one before. */
  create(name: string, specialUse: string | null = null): ImapServerMailbox | null {
    const key = keyOf(name);
    if (this.#mailboxes.has(key)) return null;
    const mailbox = new ImapServerMailbox(key, specialUse, this.#nextUidValidity, this.#changed);
    this.#nextUidValidity += 1000;
    this.#mailboxes.set(key, mailbox);
    this.#changed();
    return mailbox;
  }

  delete(name: string): boolean {
    const deleted = this.#mailboxes.delete(keyOf(name));
    if (deleted) this.#changed();
    return deleted;
  }

  /** Resolves once `condition` holds; it is looked at now and at every change. */
  until(condition: () => boolean): Promise<void> {
    if (condition()) return Promise.resolve();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const watcher = () => {
      try {
        if (!condition()) return;
        resolve();
      } catch (error) {
        reject(error);
      }
      this.#watchers.delete(watcher);
    };
    this.#watchers.add(watcher);
    return promise;
  }

  readonly #changed = (): void => {
    for (const watcher of [...this.#watchers]) watcher();
  };
}

function keyOf(name: string): string {
  return name.toUpperCase() === 'INBOX' ? 'INBOX' : name;
}

/** Whether a mail has a flag; flags are case-insensitive (RFC 9051 section 2.3.2). */
export function hasFlag({ flags }: Pick<StoredImapMail, 'flags'>, wanted: string): boolean {
  const lower = wanted.toLowerCase();
  return [...flags].some((flag) => flag.toLowerCase() === lower);
}
