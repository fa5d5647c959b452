import { BadCommandError, type ImapArgument, itemsOf, textOf } from './command.ts';
import { decodeMailboxName, encodeMailboxName } from './mailbox-name.ts';
import { type CommandHandler, keptFlags, SelectedMailbox, type SessionState } from './state.ts';
import { hasFlag, type ImapServerMailbox } from './store.ts';

const SYSTEM_FLAGS = '\\Answered \\Flagged \\Deleted \\Seen \\Draft';
const NO_MAILBOX = 'NO [NONEXISTENT] There is no such mailbox';

/** The commands on mailboxes (RFC 9051 section 6.3), and those that leave one. */
export const MAILBOX_COMMANDS: ReadonlyMap<string, CommandHandler> = new Map<string, CommandHandler>([
  ['ENABLE', (state) => done(state, '* ENABLED')],
  ['NAMESPACE', (state) => done(state, '* NAMESPACE (("" "/")) NIL NIL')],
  ['LIST', (state, args) => list(state, args, 'LIST')],
  ['LSUB', (state, args) => list(state, args, 'LSUB')],
  ['SUBSCRIBE', (state, args) => (mailboxOf(state, args) === null ? NO_MAILBOX : 'OK Subscribed')],
  ['UNSUBSCRIBE', () => 'OK Unsubscribed'],
  ['CREATE', create],
  ['DELETE', ({ account }, args) => (account.delete(nameOf(args)) ? 'OK Deleted' : NO_MAILBOX)],
  ['STATUS', status],
  ['SELECT', (state, args) => open(state, args, state.quirks.readOnly)],
  ['EXAMINE', (state, args) => open(state, args, true)],
  ['APPEND', append],
  ['CHECK', () => 'OK Checked'],
  ['UNSELECT', (state) => leave(state)],
  ['CLOSE', close],
]);

/** The mailbox that the first argument names; null when there is none. */
export function mailboxOf(
  { account }: SessionState,
  args: readonly ImapArgument[],
): ImapServerMailbox | null {
  return account.mailbox(nameOf(args));
}

function nameOf([name]: readonly ImapArgument[]): string {
  return decodeMailboxName(textOf(name));
}

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}

function done({ send }: SessionState, answer: string): string {
  send(answer);
  return 'OK Done';
}

function list(state: SessionState, [reference, pattern]: readonly ImapArgument[], name: string): string {
  const wanted = textOf(reference) + textOf(pattern);
  if (wanted === '') return done(state, `* ${name} (\\Noselect) "/" ""`);
  const matches = patternOf(decodeMailboxName(wanted));
  for (const mailbox of state.account.mailboxes) {
    if (!matches.test(mailbox.name)) continue;
    const flags = ['\\HasNoChildren', ...(mailbox.specialUse === null ? [] : [mailbox.specialUse])].join(' ');
    state.send(`* ${name} (${flags}) "/" ${quoted(encodeMailboxName(mailbox.name))}`);
  }
  return 'OK Listed';
}

/** `*` stands for anything, `%` for anything within one level. */
function patternOf(text: string): RegExp {
  const source = text
    .split(/([*%]+)/)
    .map((part) => {
      if (!/^[*%]+$/.test(part)) return part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
      return part.includes('*') ? '.*' : '[^/]*';
    })
    .join('');
  return new RegExp(`^${source}$`, /^inbox$/i.test(text) ? 'i' : '');
}

function create({ account }: SessionState, args: readonly ImapArgument[]): string {
  const name = nameOf(args).replace(/\/$/, '');
  if (name === '') throw new BadCommandError('The name is empty');
  return account.create(name) === null ? 'NO [ALREADYEXISTS] The mailbox is there already' : 'OK Created';
}

function status(state: SessionState, args: readonly ImapArgument[]): string {
  const mailbox = mailboxOf(state, args);
  if (mailbox === null) return NO_MAILBOX;
  const values = itemsOf(args[1]).map((item) => statusItem(mailbox, textOf(item).toUpperCase()));
  return done(state, `* STATUS ${quoted(encodeMailboxName(mailbox.name))} (${values.join(' ')})`);
}

function statusItem(mailbox: ImapServerMailbox, item: string): string {
  switch (item) {
    case 'MESSAGES':
      return `${item} ${mailbox.mails.length}`;
    case 'UIDNEXT':
      return `${item} ${mailbox.uidNext}`;
    case 'UIDVALIDITY':
      return `${item} ${mailbox.uidValidity}`;
    case 'UNSEEN':
      return `${item} ${mailbox.mails.filter((mail) => !hasFlag(mail, '\\Seen')).length}`;
    case 'RECENT':
      return `${item} 0`;
    default:
      throw new BadCommandError(`The item ${item} is not known here`);
  }
}

function open(state: SessionState, args: readonly ImapArgument[], readOnly: boolean): string {
  state.selected = null;
  const mailbox = mailboxOf(state, args);
  if (mailbox === null) return NO_MAILBOX;
  const { send, quirks } = state;
  const selected = new SelectedMailbox(mailbox, readOnly);
  state.selected = selected;
  send(`* FLAGS (${SYSTEM_FLAGS})`);
  send(`* ${selected.count} EXISTS`);
  send('* 0 RECENT');
  if (quirks.uidValidity) send(`* OK [UIDVALIDITY ${mailbox.uidValidity}] UIDs are valid`);
  if (quirks.uidNext) send(`* OK [UIDNEXT ${mailbox.uidNext}] The next UID`);
  const permanent = readOnly ? [] : quirks.permanentFlags;
  if (permanent !== null) send(`* OK [PERMANENTFLAGS (${permanent.join(' ')})] These are kept`);
  return readOnly ? 'OK [READ-ONLY] Opened for reading' : 'OK [READ-WRITE] Opened';
}

function append(state: SessionState, args: readonly ImapArgument[]): string {
  const mailbox = mailboxOf(state, args);
  if (mailbox === null) return 'NO [TRYCREATE] There is no such mailbox';
  const message = args.at(-1);
  if (message?.kind !== 'string') throw new BadCommandError('The message is missing');
  const options = args.slice(1, -1);
  const flags = options.find((option) => option.kind === 'list');
  const date = options.find((option) => option.kind === 'string');
  const receivedAt = date === undefined ? new Date() : new Date(textOf(date).trim());
  if (Number.isNaN(receivedAt.getTime())) throw new BadCommandError('The date cannot be read');
  const names = flags === undefined ? [] : itemsOf(flags).map(textOf);
  const { uid } = mailbox.add(message.bytes, { flags: keptFlags(state.quirks, names), receivedAt });
  return state.quirks.uidPlus ? `OK [APPENDUID ${mailbox.uidValidity} ${uid}] Appended` : 'OK Appended';
}

function leave(state: SessionState): string {
  state.selected = null;
  return 'OK Left';
}

/** CLOSE takes what is marked as deleted away without a word (RFC 9051 section 6.4.1). */
function close(state: SessionState): string {
  const { selected } = state;
  if (selected !== null && !selected.readOnly) {
    const deleted = selected.mailbox.mails.filter((mail) => hasFlag(mail, '\\Deleted'));
    selected.mailbox.remove(deleted.map(({ uid }) => uid));
  }
  return leave(state);
}
