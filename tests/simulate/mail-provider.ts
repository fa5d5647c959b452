import { createHash } from 'node:crypto';
import type { Parse, ParsedMessage, ParseJob } from '../../functions/poll/parse/types.ts';
import type {
  Cursor,
  Fetched,
  Listed,
  Listing,
  MailLogin,
  MailSource,
  OpenMailSource,
} from '../../shared/ports/mail-source.ts';
import { ASSUMED } from './assumptions.ts';
import type { VirtualTime } from './virtual-time.ts';

const UID_VALIDITY = '1700000000';
const OVERLAP_UIDS = 128;
/** In the mailbox before the first poll: enough for a cursor as long as it gets. */
const OLD_MAILS = 150;

const RAW = Buffer.alloc(ASSUMED.rawBytes, 'x');
const EVENT = Buffer.alloc(ASSUMED.eventBytes, 'x');

/** Mail servers with one mailbox for each user name, as slow as assumed. */
export class MailProvider {
  readonly #time: VirtualTime;
  readonly #counts = new Map<string, number>();

  constructor(time: VirtualTime) {
    this.#time = time;
  }

  /** A mail comes in. */
  deliver(username: string, count = 1): void {
    this.#counts.set(username, this.#countOf(username) + count);
  }

  readonly open: OpenMailSource = async (login) => {
    await this.#time.sleep(ASSUMED.loginMs);
    return this.#session(login);
  };

  #countOf(username: string): number {
    return this.#counts.get(username) ?? OLD_MAILS;
  }

  #session({ username, protocol }: MailLogin): MailSource {
    const time = this.#time;
    const list = async (_mailbox: string, cursor: Cursor | null): Promise<Listing> => {
      await time.sleep(ASSUMED.listMs);
      const count = this.#countOf(username);
      return protocol === 'imap' ? imapListing(count, cursor) : pop3Listing(count, cursor);
    };
    return {
      list,
      async *fetch(items): AsyncGenerator<Fetched> {
        await time.sleep(ASSUMED.fetchMs);
        for (const item of items) yield { kind: 'raw', item, bytes: RAW };
      },
      async *heads(items) {
        for (const item of items) yield { item, head: null };
      },
      async settle(actions) {
        await time.sleep(ASSUMED.listMs);
        return actions.map(({ key }) => ({ key, result: 'done' as const, reason: null }));
      },
      async close() {
        await time.sleep(ASSUMED.logoutMs);
        return 'ok';
      },
    };
  }
}

function imapListing(count: number, cursor: Cursor | null): Listing {
  const known = cursor?.protocol === 'imap' ? cursor.lastUid : 0;
  const uids = Array.from({ length: count - known }, (_, at) => known + 1 + at);
  const items = uids.map((uid): Listed => {
    const source = { protocol: 'imap', mailbox: 'INBOX', uidValidity: UID_VALIDITY, uid } as const;
    return { ...listedMail, source };
  });
  const recent = Array.from({ length: Math.min(count, OVERLAP_UIDS) }, (_, at) => count - at).reverse();
  const next: Cursor = {
    ...{ protocol: 'imap', mailbox: 'INBOX', uidValidity: UID_VALIDITY, lastUid: count, recent },
    ...{ uidNext: count + 1, exists: count, mailboxId: null, backfill: null },
  };
  return { continuity: 'same', items, exists: count, next };
}

function pop3Listing(count: number, cursor: Cursor | null): Listing {
  const uidls = Array.from({ length: count }, (_, at) => `0000${at}5f3b2c1a`);
  const listingHash = createHash('sha256').update(uidls.join('\r\n')).digest('hex');
  const known = cursor?.protocol === 'pop3' ? cursor : null;
  const isSame = known?.listingHash === listingHash;
  const items = isSame
    ? []
    : uidls.map((uidl): Listed => ({ ...listedMail, source: { protocol: 'pop3', uidl } }));
  const next: Cursor = {
    ...{ protocol: 'pop3', mailbox: '', listingHash, listedCount: count },
    ...{ base: known?.base ?? null, backfill: known?.backfill ?? null },
  };
  return { continuity: 'same', items, exists: count, next };
}

const listedMail = {
  sizeBytes: ASSUMED.rawBytes,
  internalDate: null,
  flags: [],
  labels: [],
  backfill: false,
} satisfies Omit<Listed, 'source'>;

/** Makes an event of the assumed size of every mail, with fields as long as is usual. */
export const parse: Parse = async (jobs) => jobs.map(parsedMail);

function parsedMail({ id }: ParseJob): ParsedMessage {
  return {
    event: EVENT,
    messageId: `<CAF${id.slice(4)}-7nQ2xk@mail.example.com>`,
    from: 'Ana Example <ana.example@customers.example.com>',
    subject: 'Re: Your order of last Tuesday, and one more question',
    digest: createHash('sha256').update(id).digest('hex'),
    parseError: null,
  };
}
