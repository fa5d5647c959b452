import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { startImapServer } from '../../local/demo/imap-server.ts';
import { startPop3Server } from '../../local/demo/pop3-server.ts';
import type { ServerAction } from '../../shared/account.ts';
import type { Protocol, Source } from '../../shared/identity.ts';
import { PASSWORD } from '../support/poll-world.ts';
import { type CrashMail, OLD_MAILS } from './crash-mails.ts';

export const USERNAME = 'ana';
const TARGET = 'Done';
const LONG_AGO = new Date('2020-01-01T00:00:00Z');
const OLD = OLD_MAILS.map(({ raw }) => raw);

/** What was done to a mail; `twice` when it is in more places than one. */
type Done = 'none' | ServerAction['kind'] | 'twice';

/** One mailbox on a server that outlives the crashes, as another mail program of its owner would see it. */
export interface CrashMailbox {
  readonly port: number;
  add(mail: CrashMail): Source;
  /** The newest of the old mails is deleted by another mail program. */
  removeOne(): Promise<void>;
  /** The server loses its index: another UIDVALIDITY, and UIDs from 1 on. Nothing for POP3. */
  renumber(): void;
  actionOn(mail: CrashMail, source: Source): Done;
  /** Calls back whenever something may have been done to a mail. */
  watch(look: () => void): void;
  /** Resolves when no session of a dead process holds the mailbox any more. */
  free(): Promise<void>;
  close(): Promise<void>;
}

/** A mailbox with the old mails. `move: false` makes an IMAP server without MOVE (RFC 6851). */
export async function startMailbox(
  protocol: Protocol,
  options: { readonly move?: boolean } = {},
): Promise<CrashMailbox> {
  return protocol === 'imap' ? await imapMailbox(options.move ?? true) : await pop3Mailbox();
}

async function imapMailbox(move: boolean): Promise<CrashMailbox> {
  const server = await startImapServer({
    users: { [USERNAME]: { password: PASSWORD, mailboxes: [{ name: TARGET }] } },
    quirks: { move },
  });
  const inbox = server.mailbox(USERNAME);
  const target = server.mailbox(USERNAME, TARGET);
  for (const raw of OLD) inbox.add(raw, { receivedAt: LONG_AGO });
  return {
    port: server.port,
    add(mail) {
      const { uid } = inbox.add(mail.raw);
      return { protocol: 'imap', mailbox: 'INBOX', uidValidity: String(inbox.uidValidity), uid };
    },
    async removeOne() {
      inbox.remove([OLD.length]);
    },
    renumber: () => inbox.renumber(),
    actionOn(mail, source) {
      const left = source.protocol === 'imap' ? inbox.mail(source.uid) : null;
      const moved = target.mails.filter(({ raw }) => raw.equals(mail.raw)).length;
      if (moved > 1 || (moved === 1 && left !== null)) return 'twice';
      if (moved === 1) return 'move';
      if (left === null) return 'delete';
      if (left.flags.size === 0) return 'none';
      return left.flags.has('\\Seen') && left.flags.size === 1 ? 'mark-seen' : 'flag';
    },
    watch(look) {
      void server.account(USERNAME).until(() => {
        look();
        return false;
      });
    },
    free: () => Promise.resolve(),
    close: () => server.close(),
  };
}

async function pop3Mailbox(): Promise<CrashMailbox> {
  const server = await startPop3Server({
    users: { [USERNAME]: { password: PASSWORD, mails: OLD } },
  });
  return {
    port: server.port,
    add: (mail) => ({ protocol: 'pop3', uidl: server.add(USERNAME, mail.raw) }),
    async removeOne() {
      await speakPop3(server.port, [`DELE ${OLD.length}`]);
    },
    renumber: () => undefined,
    actionOn(_mail, source) {
      const uidl = source.protocol === 'pop3' ? source.uidl : '';
      return server.mails(USERNAME).some((mail) => mail.uidl === uidl) ? 'none' : 'delete';
    },
    watch(look) {
      const again = (): void => {
        void server.nextSession(USERNAME).then(() => {
          look();
          again();
        });
      };
      again();
    },
    async free() {
      const ended = server.nextSession(USERNAME);
      // Its own session ends, too: when the maildrop was free already, it is that one which resolves.
      await speakPop3(server.port, []);
      await ended;
    },
    close: () => server.close(),
  };
}

/** A POP3 session of another mail program: logs in, gives these commands and quits; what the server said. */
async function speakPop3(port: number, commands: readonly string[]): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.end([`USER ${USERNAME}`, `PASS ${PASSWORD}`, ...commands, 'QUIT', ''].join('\r\n'));
  return await text(socket);
}
