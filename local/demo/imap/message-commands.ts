import { BadCommandError, type ImapArgument, itemsOf, textOf } from './command.ts';
import { parseFetchItems } from './fetch-items.ts';
import { mailboxOf } from './mailbox-commands.ts';
import { formatNumberSet } from './number-set.ts';
import { type NumberedMail, parseSearch } from './search.ts';
import { type CommandHandler, keptFlags, type SelectedMailbox, type SessionState } from './state.ts';
import { hasFlag, type ImapServerMailbox } from './store.ts';

/** Does a command on the messages of the selected mailbox. */
type MessageHandler = (
  state: SessionState,
  selected: SelectedMailbox,
  args: readonly ImapArgument[],
  isUid: boolean,
) => string;

const READ_ONLY = 'NO [READ-ONLY] The mailbox is open for reading only';
const NO_TARGET = 'NO [TRYCREATE] There is no such mailbox';

/** The commands on messages (RFC 9051 section 6.4), by UID and by number. */
export const MESSAGE_COMMANDS: ReadonlyMap<string, CommandHandler> = new Map<string, CommandHandler>([
  ['FETCH', inMailbox(fetch)],
  ['SEARCH', inMailbox(search)],
  ['STORE', inMailbox(writing(store))],
  ['COPY', inMailbox(copy)],
  ['MOVE', inMailbox(writing(move))],
  ['EXPUNGE', inMailbox(writing(expunge))],
]);

function inMailbox(handler: MessageHandler): CommandHandler {
  return (state, args, isUid) => {
    if (state.selected === null) throw new BadCommandError('No mailbox is open');
    return handler(state, state.selected, args, isUid);
  };
}

function writing(handler: MessageHandler): MessageHandler {
  return (state, selected, args, isUid) =>
    selected.readOnly ? READ_ONLY : handler(state, selected, args, isUid);
}

function fetch(
  state: SessionState,
  selected: SelectedMailbox,
  [set, wanted]: readonly ImapArgument[],
  isUid: boolean,
): string {
  const items = parseFetchItems(wanted, isUid);
  const marks = !selected.readOnly && items.some(({ marksSeen }) => marksSeen);
  for (const numbered of selected.pick(textOf(set), isUid)) {
    const parts: (string | Buffer)[] = [`* ${numbered.number} FETCH (`];
    items.forEach((item, index) => {
      parts.push(index === 0 ? '' : ' ', ...item.render(numbered));
    });
    state.send(...parts, ')');
    if (marks) selected.mailbox.setFlags(numbered.mail.uid, union(numbered.mail.flags, ['\\Seen']));
  }
  return 'OK Fetched';
}

function search(
  state: SessionState,
  { view }: SelectedMailbox,
  args: readonly ImapArgument[],
  isUid: boolean,
): string {
  const found = view.filter(parseSearch(args, view));
  const numbers = found.map(({ number, mail }) => (isUid ? mail.uid : number));
  state.send(['* SEARCH', ...numbers].join(' '));
  return 'OK Searched';
}

function store(
  state: SessionState,
  selected: SelectedMailbox,
  [set, operation, flags]: readonly ImapArgument[],
  isUid: boolean,
): string {
  const match = /^([+-]?)FLAGS(\.SILENT)?$/.exec(textOf(operation).toUpperCase());
  if (match === null) throw new BadCommandError('STORE changes FLAGS, +FLAGS or -FLAGS');
  const given = keptFlags(state.quirks, itemsOf(flags).map(textOf));
  for (const { number, mail } of selected.pick(textOf(set), isUid)) {
    selected.mailbox.setFlags(mail.uid, changed(mail.flags, match[1] ?? '', given));
    if (match[2] !== undefined) continue;
    const now = [...(selected.mailbox.mail(mail.uid)?.flags ?? [])].join(' ');
    state.send(`* ${number} FETCH (UID ${mail.uid} FLAGS (${now}))`);
  }
  return 'OK Stored';
}

function changed(flags: ReadonlySet<string>, sign: string, given: readonly string[]): string[] {
  if (sign === '+') return union(flags, given);
  return sign === '-' ? [...flags].filter((flag) => !hasFlag({ flags: new Set(given) }, flag)) : [...given];
}

function union(flags: ReadonlySet<string>, more: readonly string[]): string[] {
  return [...flags, ...more.filter((flag) => !hasFlag({ flags }, flag))];
}

function copy(
  state: SessionState,
  selected: SelectedMailbox,
  [set, ...target]: readonly ImapArgument[],
  isUid: boolean,
): string {
  const mailbox = mailboxOf(state, target);
  if (mailbox === null) return NO_TARGET;
  const code = copyTo(state, selected.pick(textOf(set), isUid), mailbox);
  return `OK ${code}Copied`;
}

function move(
  state: SessionState,
  selected: SelectedMailbox,
  [set, ...target]: readonly ImapArgument[],
  isUid: boolean,
): string {
  if (!state.quirks.move) throw new BadCommandError('MOVE is not known here');
  const mailbox = mailboxOf(state, target);
  if (mailbox === null) return NO_TARGET;
  const mails = selected.pick(textOf(set), isUid);
  const code = copyTo(state, mails, mailbox);
  // RFC 6851 section 4.3: COPYUID comes before the EXPUNGEs, which come before the completion.
  if (code !== '') state.send(`* OK ${code}Moved`);
  selected.mailbox.remove(mails.map(({ mail }) => mail.uid));
  for (const news of selected.takeNews(true)) state.send(news);
  return 'OK Done';
}

/** The response code with the UIDs, with a blank behind it; empty when there is none to give. */
function copyTo({ quirks }: SessionState, mails: readonly NumberedMail[], target: ImapServerMailbox): string {
  const copies = mails.map(({ mail }) => target.add(mail.raw, mail));
  if (!quirks.uidPlus || copies.length === 0) return '';
  const from = formatNumberSet(mails.map(({ mail }) => mail.uid));
  const to = formatNumberSet(copies.map(({ uid }) => uid));
  return `[COPYUID ${target.uidValidity} ${from} ${to}] `;
}

function expunge(
  state: SessionState,
  selected: SelectedMailbox,
  [set]: readonly ImapArgument[],
  isUid: boolean,
): string {
  if (isUid && !state.quirks.uidPlus) throw new BadCommandError('UID EXPUNGE is not known here');
  const candidates = isUid ? selected.pick(textOf(set), true) : selected.view;
  const deleted = candidates.filter(({ mail }) => hasFlag(mail, '\\Deleted'));
  selected.mailbox.remove(deleted.map(({ mail }) => mail.uid));
  for (const news of selected.takeNews(true)) state.send(news);
  return 'OK Expunged';
}
