/** Deeper quotes look like this one. */
const MAX_QUOTE_DEPTH = 10;

const NOT_SPACE = /[^ \t\n\f\r\u00a0]/;

/** Lays out text that comes in pieces, with white space as HTML has it: a run of it is one space. */
export class TextLayout {
  #out = '';
  /** Line ends that are due before the next character: at most an empty line. */
  #breaks = 0;
  /** What is due before the next character of the same line. */
  #gap: '' | ' ' | '\t' = '';
  #isLineEmpty = true;
  #mark = '';
  #quoteDepth = 0;
  #keepsSpaces = false;

  text(text: string): void {
    if (this.#keepsSpaces) {
      for (const [index, line] of text.split('\n').entries()) {
        if (index > 0) this.lineBreak();
        if (line !== '') this.#put(line);
      }
      return;
    }
    if (!NOT_SPACE.test(text)) {
      if (text !== '') this.#space();
      return;
    }
    const words = text.replace(/[ \t\n\f\r\u00a0]+/g, ' ');
    if (words.startsWith(' ')) this.#space();
    this.#put(words.trim());
    if (words.endsWith(' ')) this.#space();
  }

  /** A line ends here whatever is on it. */
  lineBreak(): void {
    if (this.#isLineEmpty && this.#mark === '') this.#breaks = Math.min(this.#breaks + 1, 2);
    else this.line();
    this.#gap = '';
  }

  /** What follows begins a line. */
  line(): void {
    this.#endLine(1);
  }

  /** What follows has an empty line in front. */
  paragraph(): void {
    this.#endLine(2);
  }

  /** What follows is another cell of the row. */
  cell(): void {
    if (!this.#isLineEmpty) this.#gap = '\t';
  }

  /** Written in front of the next text, at the beginning of its line. */
  mark(mark: string): void {
    this.#mark = mark;
  }

  /** What follows is quoted once more, or once less. */
  quote(change: 1 | -1): void {
    this.#quoteDepth = Math.max(0, this.#quoteDepth + change);
  }

  /** Whether white space is kept as it stands. */
  keepSpaces(keeps: boolean): void {
    this.#keepsSpaces = keeps;
  }

  end(): string {
    return this.#out;
  }

  #space(): void {
    if (!this.#isLineEmpty && this.#gap === '') this.#gap = ' ';
  }

  #endLine(breaks: 1 | 2): void {
    // Nothing was written since the last one: an element inside of another one.
    this.#breaks = this.#isLineEmpty ? Math.max(this.#breaks, this.#out === '' ? 0 : breaks) : breaks;
    this.#isLineEmpty = true;
    this.#gap = '';
  }

  #put(text: string): void {
    if (this.#isLineEmpty) {
      const ends = this.#out === '' ? '' : '\n'.repeat(Math.max(1, this.#breaks));
      this.#out += `${ends}${'> '.repeat(Math.min(this.#quoteDepth, MAX_QUOTE_DEPTH))}${this.#mark}${text}`;
    } else {
      this.#out += this.#gap + text;
    }
    this.#isLineEmpty = false;
    this.#breaks = 0;
    this.#gap = '';
    this.#mark = '';
  }
}
