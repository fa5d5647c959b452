/** An expression that the stand-in does not know: it must be taught, not guess. */
export class ExpressionError extends Error {
  override readonly name = 'ExpressionError';
}

const TOKEN = /\s*(?:(<>|<=|>=|[=<>(),+-])|([:#]?[A-Za-z_][A-Za-z0-9_]*))/y;

/** The words and signs of an expression, one after the other. */
export class Tokens {
  readonly #text: string;
  readonly #tokens: readonly string[];
  #at = 0;

  constructor(text: string) {
    this.#text = text;
    const tokens: string[] = [];
    TOKEN.lastIndex = 0;
    const end = text.trimEnd().length;
    while (TOKEN.lastIndex < end) {
      const [, sign, word] = TOKEN.exec(text) ?? [];
      if (sign === undefined && word === undefined) throw this.unknown();
      tokens.push(sign ?? word ?? '');
    }
    this.#tokens = tokens;
  }

  /** The next one, which stays; empty at the end. */
  peek(): string {
    return this.#tokens[this.#at] ?? '';
  }

  next(): string {
    const token = this.peek();
    if (token === '') throw this.unknown();
    this.#at += 1;
    return token;
  }

  /** Takes the next one when it is this sign or, in whatever case, this word. */
  take(wanted: string): boolean {
    if (this.peek().toUpperCase() !== wanted.toUpperCase()) return false;
    this.#at += 1;
    return true;
  }

  expect(wanted: string): void {
    if (!this.take(wanted)) throw this.unknown();
  }

  /** The name of an attribute. */
  path(): string {
    const token = this.next();
    if (/^[A-Za-z]/.test(token)) return token;
    throw this.unknown();
  }

  /** The name of a value, `:now` for example. */
  placeholder(): string {
    const token = this.next();
    if (token.startsWith(':')) return token;
    throw this.unknown();
  }

  get ended(): boolean {
    return this.#at === this.#tokens.length;
  }

  unknown(): ExpressionError {
    return new ExpressionError(`Cannot read "${this.#text}" at "${this.peek()}"`);
  }
}
