/** An argument of an IMAP command: a word, a quoted string or literal, or a list in parentheses. */
export type ImapArgument =
  | { readonly kind: 'word'; readonly text: string }
  | { readonly kind: 'string'; readonly bytes: Buffer }
  | { readonly kind: 'list'; readonly items: readonly ImapArgument[] };

/** A command as it came: line text and literals in turn. */
export type CommandPart = { readonly line: string } | { readonly literal: Buffer };

/** A command that was read. */
export interface ImapCommand {
  readonly tag: string;
  /** In capitals, with `UID ` in front where it is one. */
  readonly name: string;
  readonly args: readonly ImapArgument[];
}

/** Lists within lists; a SEARCH needs a few. */
const MAX_DEPTH = 20;

/** A command that cannot be read, or asks for something impossible: the server answers BAD. */
export class BadCommandError extends Error {
  override readonly name = 'BadCommandError';
}

/** Reads a command (RFC 9051 section 9). Throws BadCommandError. */
export function parseCommand(parts: readonly CommandPart[]): ImapCommand {
  const [tag, first, ...rest] = new ArgumentReader(parts).readAll();
  const name = wordOf(first).toUpperCase();
  if (name !== 'UID') return { tag: wordOf(tag), name, args: rest };
  return { tag: wordOf(tag), name: `UID ${wordOf(rest[0]).toUpperCase()}`, args: rest.slice(1) };
}

/** The text of a word or string. Throws BadCommandError for a list or nothing. */
export function textOf(argument: ImapArgument | undefined): string {
  if (argument?.kind === 'word') return argument.text;
  if (argument?.kind === 'string') return argument.bytes.toString('utf8');
  throw new BadCommandError('A word or a string is missing');
}

/** The text of a word. Throws BadCommandError for anything else. */
function wordOf(argument: ImapArgument | undefined): string {
  if (argument?.kind === 'word') return argument.text;
  throw new BadCommandError('A word is missing');
}

/** The items of a list, or the one argument that stands for a list. */
export function itemsOf(argument: ImapArgument | undefined): readonly ImapArgument[] {
  if (argument === undefined) throw new BadCommandError('A list is missing');
  return argument.kind === 'list' ? argument.items : [argument];
}

class ArgumentReader {
  readonly #parts: CommandPart[];
  #line = '';
  #at = 0;

  constructor(parts: readonly CommandPart[]) {
    this.#parts = [...parts];
    this.#nextLine();
  }

  readAll(): ImapArgument[] {
    const args = this.#readUntil('', 0);
    if (this.#at < this.#line.length)
      throw new BadCommandError('A parenthesis is closed that was not opened');
    return args;
  }

  #readUntil(end: '' | ')', depth: number): ImapArgument[] {
    if (depth > MAX_DEPTH) throw new BadCommandError('Lists are nested too deep');
    const args: ImapArgument[] = [];
    for (;;) {
      while (this.#line[this.#at] === ' ') this.#at += 1;
      const char = this.#line[this.#at];
      if (char === undefined) {
        const literal = this.#takeLiteral();
        if (literal === null) break;
        args.push({ kind: 'string', bytes: literal });
      } else if (char === ')') {
        break;
      } else if (char === '(') {
        this.#at += 1;
        args.push({ kind: 'list', items: this.#readUntil(')', depth + 1) });
        this.#at += 1;
      } else {
        args.push(char === '"' ? this.#readQuoted() : this.#readWord());
      }
    }
    if (end === ')' && this.#line[this.#at] !== ')') throw new BadCommandError('A parenthesis is not closed');
    return args;
  }

  #readQuoted(): ImapArgument {
    const match = /^"((?:[^"\\]|\\["\\])*)"/.exec(this.#line.slice(this.#at));
    if (match === null) throw new BadCommandError('A quoted string is not closed');
    this.#at += match[0].length;
    const bytes = Buffer.from((match[1] ?? '').replace(/\\(.)/g, '$1'), 'latin1');
    return { kind: 'string', bytes };
  }

  /** A word may have a section in it, with blanks and lists: `BODY.PEEK[HEADER.FIELDS (FROM TO)]<0.100>`. */
  #readWord(): ImapArgument {
    const match = /^(?:[^ ()"[\]]|\[[^\]]*\])+/.exec(this.#line.slice(this.#at));
    if (match === null) throw new BadCommandError('An argument cannot be read');
    this.#at += match[0].length;
    return { kind: 'word', text: match[0] };
  }

  #takeLiteral(): Buffer | null {
    const part = this.#parts.shift();
    if (part === undefined || !('literal' in part)) return null;
    this.#nextLine();
    return part.literal;
  }

  #nextLine(): void {
    const part = this.#parts.shift();
    this.#line = part !== undefined && 'line' in part ? part.line : '';
    this.#at = 0;
  }
}
