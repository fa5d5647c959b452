/** What a mail holds: text, html, both as alternatives, or text and files. */
export type MailKind = 'plain' | 'alternative' | 'html' | 'attachment';

const WORDS = (
  'the of and to in a is that for it as was with be by on not he this are or his from at which but have an had they ' +
  'you were their one all we can her has there been if more when will would who so no invoice order account meeting ' +
  'report please find attached regards delivery customer number project update schedule monday payment reference'
).split(' ');
const ACCENTED = 'Grüße Öffnung naïve façade señor Ærø Straße déjà élève coûté'.split(' ');
const ASTRAL = 'приветствие 会議の件 📎 שלום'.split(' ');

/** A seeded source of numbers (Marsaglia's xorshift32): the same seed gives the same mails on every machine. */
export class Dice {
  #state: number;

  constructor(seed: number) {
    // Zero is the one state xorshift cannot leave.
    this.#state = (Math.imul(seed | 0, 0x9e3779b1) ^ 0x5bd1e995) | 0 || 1;
    for (let i = 0; i < 8; i += 1) this.unit();
  }

  /** From 0 up to, not including, 1. */
  unit(): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x | 0;
    return (x >>> 0) / 2 ** 32;
  }

  below(limit: number): number {
    return Math.floor(this.unit() * limit);
  }

  chance(share: number): boolean {
    return this.unit() < share;
  }

  pick<Item>(items: readonly [Item, ...Item[]] | readonly Item[]): Item {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new Error('Cannot pick from an empty list');
    return item;
  }
}

/** The UTF-8 of a text as a byte string: mails are put together so that every character is one byte. */
export const utf8 = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

function textLine(dice: Dice, words: readonly string[], length: number): string {
  let line = dice.pick(words);
  while (line.length < length) line += ` ${dice.pick(words)}`;
  return line;
}

/** Lines and bytes made once per run of the generator; mails are drawn from them, which keeps 50 MB a matter of a second. */
export interface Stock {
  readonly ascii: readonly string[];
  readonly utf8: readonly string[];
  readonly latin1: readonly string[];
  readonly html: readonly string[];
  readonly bytes: Buffer;
}

/** The stock of one run, 1 MiB of attachment bytes and some hundred lines. */
export function makeStock(dice: Dice): Stock {
  const lines = (words: readonly string[], encode: (line: string) => string) =>
    Array.from({ length: 200 }, () => encode(textLine(dice, words, 20 + dice.below(56))));
  const ascii = lines(WORDS, (line) => line);
  // Lines that begin with dots are what POP3 stuffs (RFC 1939 section 3), `From ` is what mboxes quote.
  ascii.push(
    '.',
    '..',
    '...three',
    '.hidden file',
    'From the beginning',
    '',
    '',
    '',
    '-- ',
    '> quoted before',
  );
  const html = ascii.map((line) => `<p style="margin:0 0 12px;color:#333">${line}</p>`);
  const bytes = Buffer.alloc(1 << 20);
  for (let i = 0; i < bytes.length; i += 4) bytes.writeUInt32LE(Math.floor(dice.unit() * 2 ** 32), i);
  return {
    ascii,
    utf8: [...lines([...WORDS, ...ACCENTED, ...ASTRAL], utf8), '.', '', ''],
    latin1: [
      ...lines([...WORDS, ...ACCENTED.filter((word) => /^[\0-\xff]*$/.test(word))], (line) => line),
      '',
    ],
    html,
    bytes,
  };
}

function linesOf(dice: Dice, stock: readonly string[], size: number): string {
  const lines: string[] = [];
  for (let length = 0; length < size; ) {
    const line = dice.pick(stock);
    lines.push(line);
    length += line.length + 2;
  }
  return `${lines.join('\r\n')}\r\n`;
}

/** One line beyond the 998 characters of RFC 5322 section 2.1.1, as real senders make them. */
function longLine(dice: Dice, stock: readonly string[], length: number): string {
  let line = '';
  while (line.length < length) line += `${dice.pick(stock)} `;
  return `${line}\r\n`;
}

function quotedPrintable(body: string): string {
  const hex = (byte: string) => `=${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
  return body
    .split('\r\n')
    .map((line) => {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: RFC 2045 section 6.7, what must be encoded.
      const encoded = line.replace(/[\0-\x1f=\x7f-\xff]| $/g, hex);
      const rows: string[] = [];
      let at = 0;
      while (encoded.length - at > 75) {
        const half = encoded.slice(at, at + 75).lastIndexOf('=');
        const end = half > 72 ? at + half : at + 75;
        rows.push(`${encoded.slice(at, end)}=`);
        at = end;
      }
      return [...rows, encoded.slice(at)].join('\r\n');
    })
    .join('\r\n');
}

function base64Lines(bytes: Buffer): string {
  const text = bytes.toString('base64');
  const lines: string[] = [];
  for (let i = 0; i < text.length; i += 76) lines.push(text.slice(i, i + 76));
  return `${lines.join('\r\n')}\r\n`;
}

/** A MIME entity as byte strings: its header fields of content, and its body. */
interface Entity {
  readonly fields: readonly string[];
  readonly body: string;
}

function textEntity(dice: Dice, stock: Stock, size: number): Entity {
  const form = dice.below(10);
  const long = dice.chance(0.05) ? longLine(dice, stock.ascii, 1_200 + dice.below(6_000)) : '';
  if (form < 4) {
    return {
      fields: ['Content-Type: text/plain; charset=us-ascii'],
      body: long + linesOf(dice, stock.ascii, size),
    };
  }
  if (form < 6) {
    const fields = ['Content-Type: text/plain; charset=utf-8', 'Content-Transfer-Encoding: 8bit'];
    return { fields, body: long + linesOf(dice, stock.utf8, size) };
  }
  if (form === 6) {
    const fields = ['Content-Type: text/plain; charset="iso-8859-1"', 'Content-Transfer-Encoding: 8bit'];
    return { fields, body: linesOf(dice, stock.latin1, size) };
  }
  const fields = ['Content-Type: text/plain; charset="UTF-8"'];
  if (form === 7) {
    const body = base64Lines(Buffer.from(linesOf(dice, stock.utf8, size * 0.73), 'latin1'));
    return { fields: [...fields, 'Content-Transfer-Encoding: base64'], body };
  }
  const body = quotedPrintable(linesOf(dice, stock.utf8, size * 0.9));
  return { fields: [...fields, 'Content-Transfer-Encoding: quoted-printable'], body };
}

function htmlEntity(dice: Dice, stock: Stock, size: number): Entity {
  const long = dice.chance(0.2) ? longLine(dice, stock.html, 2_000 + dice.below(8_000)) : '';
  const page = (inner: string) =>
    `<!DOCTYPE html>\r\n<html><head><title>News</title></head>\r\n${inner}</html>\r\n`;
  if (dice.chance(0.5)) {
    const fields = ['Content-Type: text/html; charset=utf-8', 'Content-Transfer-Encoding: 7bit'];
    return { fields, body: page(long + linesOf(dice, stock.html, size - long.length)) };
  }
  const fields = ['Content-Type: text/html; charset=utf-8', 'Content-Transfer-Encoding: quoted-printable'];
  return { fields, body: quotedPrintable(page(linesOf(dice, stock.html, size * 0.9))) };
}

function attachmentEntity(dice: Dice, stock: Stock, size: number): Entity {
  const [type, extension] = dice.pick([
    ['application/pdf', 'pdf'],
    ['image/png', 'png'],
    ['application/zip', 'zip'],
    ['application/octet-stream', 'bin'],
  ] as const);
  const length = Math.max(1, Math.min(Math.floor(size * 0.73), stock.bytes.length));
  const from = dice.below(stock.bytes.length - length + 1);
  const name = dice.pick([
    `filename="report-${dice.below(1000)}.${extension}"`,
    `filename*=utf-8''Gr%C3%BC%C3%9Fe%20${dice.below(1000)}.${extension}`,
    `filename="=?utf-8?Q?Angebot_f=C3=BCr?=.${extension}"`,
  ]);
  return {
    fields: [
      `Content-Type: ${type}`,
      `Content-Disposition: attachment;\r\n\t${name}`,
      'Content-Transfer-Encoding: base64',
    ],
    body: base64Lines(stock.bytes.subarray(from, from + length)),
  };
}

function multipart(dice: Dice, subtype: string, parts: readonly Entity[]): Entity {
  const boundary = `----=_Part_${dice.below(2 ** 31)}_${dice.below(2 ** 31)}`;
  const bodies = parts.map((part) => `--${boundary}\r\n${part.fields.join('\r\n')}\r\n\r\n${part.body}\r\n`);
  return {
    fields: [`Content-Type: multipart/${subtype};\r\n boundary="${boundary}"`],
    body: `${bodies.join('')}--${boundary}--\r\n`,
  };
}

/** A mail's content of about `size` bytes. */
export function contentOf(dice: Dice, stock: Stock, kind: MailKind, size: number): Entity {
  if (kind === 'plain') return textEntity(dice, stock, size);
  if (kind === 'html') return htmlEntity(dice, stock, size);
  const textSize = kind === 'attachment' ? Math.min(size * 0.2, 6_000) : size * 0.3;
  const text = textEntity(dice, stock, textSize);
  if (kind === 'alternative') {
    return multipart(dice, 'alternative', [text, htmlEntity(dice, stock, size * 0.7)]);
  }
  const count = 1 + (dice.chance(0.3) ? dice.below(3) : 0);
  const files = Array.from({ length: count }, () => attachmentEntity(dice, stock, (size - textSize) / count));
  return multipart(dice, 'mixed', [text, ...files]);
}
