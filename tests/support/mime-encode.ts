/*
 * Mails are put together as byte strings: every character is one byte (latin1), so that any charset and any broken byte
 * can stand in them.
 */

const ASCII_END = 0x80;
const SINGLE_BYTE_END = 0x100;
const LINE_LENGTH = 76;

const tables = new Map<string, ReadonlyMap<string, string>>();

/** The bytes of a text in a charset that the platform's TextDecoder knows. Throws for a character that it does not have. */
export function encodeCharset(text: string, charset: string): string {
  if (charset === 'utf-8') return Buffer.from(text, 'utf8').toString('latin1');
  if (charset === 'iso-2022-jp') return iso2022jp(text);
  if (charset === 'utf-7') return utf7(text);
  let table = tables.get(charset);
  if (table === undefined) {
    table = inverted(charset);
    tables.set(charset, table);
  }
  return [...text].map((character) => lookUp(table, character, charset)).join('');
}

function lookUp(table: ReadonlyMap<string, string>, character: string, charset: string): string {
  const bytes = table.get(character);
  if (bytes === undefined) throw new Error(`"${character}" is not in ${charset}`);
  return bytes;
}

/** A decoder turned around, for all sequences of one and of two bytes. */
function inverted(charset: string): ReadonlyMap<string, string> {
  const decoder = new TextDecoder(charset);
  const table = new Map<string, string>();
  const add = (...bytes: number[]) => {
    const character = decoder.decode(Uint8Array.from(bytes));
    if ([...character].length !== 1 || character === '\ufffd' || table.has(character)) return;
    table.set(character, String.fromCharCode(...bytes));
  };
  for (let first = 0; first < SINGLE_BYTE_END; first += 1) add(first);
  for (let first = ASCII_END; first < SINGLE_BYTE_END; first += 1) {
    for (let second = 0x40; second < SINGLE_BYTE_END; second += 1) add(first, second);
  }
  return table;
}

/** RFC 1468: the two bytes of EUC-JP without their high bits, between escape sequences. */
function iso2022jp(text: string): string {
  return text.replace(/[^\0-\x7f]+/g, (run) => {
    const euc = encodeCharset(run, 'euc-jp');
    const bytes = [...euc].map((byte) => String.fromCharCode(byte.charCodeAt(0) & 0x7f)).join('');
    return `\x1b$B${bytes}\x1b(B`;
  });
}

/** RFC 2152. */
function utf7(text: string): string {
  return text.replace(/\+/g, '+-').replace(/[^\0-\x7f]+/g, (run) => {
    const base64 = Buffer.from(run, 'utf16le').swap16().toString('base64');
    return `+${base64.replace(/=+$/, '')}-`;
  });
}

/** RFC 2045 section 6.8. */
export function base64(bytes: string): string {
  const encoded = Buffer.from(bytes, 'latin1').toString('base64');
  return (encoded.match(new RegExp(`.{1,${LINE_LENGTH}}`, 'g')) ?? []).join('\r\n');
}

/** RFC 2045 section 6.7: line ends stay, longer lines get soft line ends. */
export function quotedPrintable(bytes: string): string {
  return bytes.split('\r\n').map(quotedLine).join('\r\n');
}

function quotedLine(line: string): string {
  const units = [...line].map((byte, index) => {
    const isBlankAtEnd = (byte === ' ' || byte === '\t') && index === line.length - 1;
    return /[\x21-\x3c\x3e-\x7e \t]/.test(byte) && !isBlankAtEnd ? byte : escapedByte(byte);
  });
  let width = 0;
  let out = '';
  for (const unit of units) {
    if (width + unit.length > LINE_LENGTH - 1) {
      out += '=\r\n';
      width = 0;
    }
    out += unit;
    width += unit.length;
  }
  return out;
}

function escapedByte(byte: string, mark = '='): string {
  return `${mark}${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
}

/** One encoded word (RFC 2047) of a text. */
export function encodedWord(text: string, charset: string, encoding: 'B' | 'Q'): string {
  const bytes = encodeCharset(text, charset);
  const payload =
    encoding === 'B'
      ? Buffer.from(bytes, 'latin1').toString('base64')
      : [...bytes].map((byte) => (/[A-Za-z0-9]/.test(byte) ? byte : escapedByte(byte))).join('');
  return `=?${charset}?${encoding}?${payload}?=`;
}

/** Encoded words of some characters each, on folded lines: the decoder must join them without the blanks between. */
export function encodedWords(text: string, charset: string, encoding: 'B' | 'Q', perWord = 8): string {
  const characters = [...text];
  const words: string[] = [];
  for (let at = 0; at < characters.length; at += perWord) {
    words.push(encodedWord(characters.slice(at, at + perWord).join(''), charset, encoding));
  }
  return words.join('\r\n ');
}

/** A parameter of RFC 2231 in pieces: `name*0*=utf-8''…; name*1*=…`. */
export function parameter2231(name: string, value: string, pieceLength: number): string {
  const bytes = [...encodeCharset(value, 'utf-8')];
  const escaped = bytes.map((byte) => (/[A-Za-z0-9.]/.test(byte) ? byte : escapedByte(byte, '%')));
  const pieces: string[] = [];
  for (let at = 0; at < escaped.length; at += pieceLength) {
    pieces.push(escaped.slice(at, at + pieceLength).join(''));
  }
  if (pieces.length === 1) return `${name}*=utf-8''${pieces[0]}`;
  return pieces
    .map((piece, index) => `${name}*${index}*=${index === 0 ? "utf-8''" : ''}${piece}`)
    .join(';\r\n ');
}

/** The classic uuencode: lines of 45 bytes, zero as a grave accent. */
export function uuencode(bytes: string, name: string): string {
  const lines = (bytes.match(/[\s\S]{1,45}/g) ?? []).map((line) => {
    const triples = line.match(/[\s\S]{1,3}/g) ?? [];
    return uuCharacter(line.length) + triples.map(uuTriple).join('');
  });
  return [`begin 644 ${name}`, ...lines, '`', 'end', ''].join('\r\n');
}

function uuTriple(triple: string): string {
  const [a = 0, b = 0, c = 0] = [...triple].map((byte) => byte.charCodeAt(0));
  return [a >> 2, ((a & 3) << 4) | (b >> 4), ((b & 15) << 2) | (c >> 6), c & 63].map(uuCharacter).join('');
}

function uuCharacter(value: number): string {
  return value === 0 ? '`' : String.fromCharCode(value + 32);
}
