import { createHash } from 'node:crypto';

/** One mail in a maildrop of the demo's POP3 server. */
export interface StoredMail {
  /** Made of the content, so that the same mails have the same UIDLs after a restart; equal mails are numbered. */
  readonly uidl: string;
  readonly raw: Buffer;
}

/** What one login did, once its connection is closed. */
export interface Pop3SessionEnd {
  /** UIDLs in the order of their RETR. */
  readonly retrieved: readonly string[];
  /** UIDLs removed by QUIT; none when the connection was lost before it (RFC 1939 section 6). */
  readonly deleted: readonly string[];
  readonly quit: boolean;
}

/** The mails of one user, and the lock that one session at a time holds (RFC 1939 section 4). */
export class Pop3Maildrop {
  readonly password: string;
  #mails: StoredMail[] = [];
  /** A UIDL is never given twice (RFC 1939 section 7), not even after its mail is gone. */
  readonly #used = new Set<string>();
  #locked = false;
  #watchers: ((end: Pop3SessionEnd) => void)[] = [];

  constructor(password: string) {
    this.password = password;
  }

  /** Those of now. */
  get mails(): readonly StoredMail[] {
    return this.#mails.slice();
  }

  /** Adds a mail, which sessions that are logged in do not see, and returns its UIDL. */
  add(raw: Uint8Array): string {
    const bytes = Buffer.from(raw);
    const digest = createHash('sha256').update(bytes).digest('hex').slice(0, 32);
    let uidl = digest;
    for (let copy = 2; this.#used.has(uidl); copy += 1) uidl = `${digest}.${copy}`;
    this.#used.add(uidl);
    this.#mails.push({ uidl, raw: bytes });
    return uidl;
  }

  /** Takes the lock and gives the mails the session will see; null when another session has it. */
  lock(): readonly StoredMail[] | null {
    if (this.#locked) return null;
    this.#locked = true;
    return this.mails;
  }

  /** Gives the lock back and removes what the session deleted. */
  unlock(end: Pop3SessionEnd): void {
    const gone = new Set(end.deleted);
    this.#mails = this.#mails.filter((mail) => !gone.has(mail.uidl));
    this.#locked = false;
    const watchers = this.#watchers;
    this.#watchers = [];
    for (const watcher of watchers) watcher(end);
  }

  /** Resolves when the next session ends, the one that is logged in if there is one. */
  nextEnd(): Promise<Pop3SessionEnd> {
    return new Promise((resolve) => {
      this.#watchers.push(resolve);
    });
  }
}
