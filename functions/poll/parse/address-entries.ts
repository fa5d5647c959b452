/** What stands between two separators of an address field, taken apart and not decoded. */
export interface AddressEntry {
  /** In the order of the field. */
  readonly words: readonly Word[];
  readonly comments: readonly string[];
  /** What stands between angle brackets; null when there are none. */
  readonly angle: string | null;
  /** Whether a comma is behind it, as it may be in a name that needs quotes and has none. */
  readonly hasComma: boolean;
}

/** A word, or a quoted text without its quotes. */
interface Word {
  readonly text: string;
  readonly isQuoted: boolean;
}

/** Text between characters that mean something in an address field. */
const PLAIN = /[^"(<,;:]+/y;
const QUOTED = /"((?:[^"\\]|\\.)*)"/sy;
/** RFC 5322 section 3.2.2: comments nest, and may hold escaped characters. */
const COMMENT_MARK = /\\.|[()]/gs;
const ANGLE_END = /[>,;]/g;
const SCHEME = /^[[<]?mailto$/i;

/**
 * Cuts an address field (RFC 5322 section 3.4) at its separators, in linear time. A quote or a comment that does not end is a
 * character that means nothing; angle brackets that do not end, end at the next separator.
 */
export function addressEntries(text: string): readonly AddressEntry[] {
  return new Cutter(text).cut();
}

class Cutter {
  readonly #text: string;
  readonly #entries: AddressEntry[] = [];
  /** Marks that are looked for no more, since one that opens does not close. */
  readonly #unclosed = new Set<string>();
  #at = 0;
  #words: Word[] = [];
  #comments: string[] = [];
  #angle: string | null = null;
  /** How many of the words stand in front of the angle brackets. */
  #wordsInFront = 0;

  constructor(text: string) {
    this.#text = text;
  }

  cut(): readonly AddressEntry[] {
    while (this.#at < this.#text.length) this.#token(this.#text[this.#at] ?? '');
    this.#end(false);
    return this.#entries;
  }

  #token(char: string): void {
    if (char === '"' && this.#quoted()) return;
    if (char === '(' && this.#comment()) return;
    if (char === '<') {
      this.#bracketed();
      return;
    }
    if (char === ',' || char === ';') this.#end(char === ',');
    // In front of a colon is a scheme, or the name of a group: neither is of a mailbox.
    if (char === ':')
      this.#words = SCHEME.test(this.#words.at(-1)?.text ?? '') ? this.#words.slice(0, -1) : [];
    PLAIN.lastIndex = this.#at;
    const plain = PLAIN.exec(this.#text)?.[0];
    for (const text of plain?.split(' ') ?? []) if (text !== '') this.#words.push({ text, isQuoted: false });
    this.#at += plain?.length ?? 1;
  }

  #quoted(): boolean {
    if (this.#unclosed.has('"')) return false;
    QUOTED.lastIndex = this.#at;
    const match = QUOTED.exec(this.#text);
    if (match === null) {
      this.#unclosed.add('"');
      return false;
    }
    this.#words.push({ text: unescaped(match[1] ?? ''), isQuoted: true });
    this.#at = QUOTED.lastIndex;
    return true;
  }

  #comment(): boolean {
    if (this.#unclosed.has('(')) return false;
    COMMENT_MARK.lastIndex = this.#at;
    let depth = 0;
    for (let mark = COMMENT_MARK.exec(this.#text); mark !== null; mark = COMMENT_MARK.exec(this.#text)) {
      if (mark[0] === '(') depth += 1;
      if (mark[0] === ')') depth -= 1;
      if (depth > 0) continue;
      this.#comments.push(unescaped(this.#text.slice(this.#at + 1, mark.index)).trim());
      this.#at = COMMENT_MARK.lastIndex;
      return true;
    }
    this.#unclosed.add('(');
    return false;
  }

  #bracketed(): void {
    if (this.#angle !== null) this.#separate();
    ANGLE_END.lastIndex = this.#at;
    const next = ANGLE_END.exec(this.#text);
    // A comma between brackets stands in a source route; it ends nothing where the bracket closes.
    const route =
      next?.[0] === ',' && this.#text[this.#at + 1] === '@' ? this.#text.indexOf('>', this.#at) : -1;
    const end = route >= 0 ? route : (next?.index ?? this.#text.length);
    this.#angle = this.#text.slice(this.#at + 1, end);
    this.#wordsInFront = this.#words.length;
    this.#at = this.#text[end] === '>' ? end + 1 : end;
    // Brackets are doubled by mailers that add them to an address that has them.
    while (this.#angle.includes('<') && this.#text[this.#at] === '>') this.#at += 1;
  }

  /** A separator is missing: the words between two pairs of brackets belong to the second one. */
  #separate(): void {
    const behind = this.#words.splice(this.#wordsInFront);
    this.#end(false);
    this.#at -= 1;
    this.#words = behind;
  }

  /** Ends an entry at a separator, or at the end of the text. */
  #end(hasComma: boolean): void {
    const isEmpty = this.#words.length === 0 && this.#angle === null && this.#comments.length === 0;
    if (!isEmpty) {
      this.#entries.push({ words: this.#words, comments: this.#comments, angle: this.#angle, hasComma });
    }
    this.#words = [];
    this.#comments = [];
    this.#angle = null;
    this.#at += 1;
  }
}

function unescaped(text: string): string {
  return text.replace(/\\(["\\()])/g, '$1');
}
