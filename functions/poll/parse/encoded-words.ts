import { decodeCharset } from './charset.ts';

/**
 * What stands before the content of an encoded word: charset, language (RFC 2231 section 5) and encoding. Mailers put
 * spaces into it; none of its parts can match in two ways.
 */
const WORD_START = /=\? ?([^?\s*]{1,60})(?:\*[^?\s]{0,60})? ?\? ?([BbQq]) ?\?/y;

/** Another word begins inside: the first one has no end. */
const INNER_START = /=\?[^?\s]{1,60}\?[BbQq]\?/;

/** Encoded words of one charset whose content belongs together. */
interface Run {
  /** In lower case. */
  readonly charset: string;
  readonly contents: Content[];
}

interface Content {
  readonly isBase64: boolean;
  readonly parts: string[];
}

interface Word {
  readonly charset: string;
  readonly isBase64: boolean;
  readonly content: string;
  readonly end: number;
}

/**
 * Decodes the encoded words (RFC 2047) in a line of text, in linear time. Adjacent words of one charset are joined before
 * they are decoded, since mailers split characters, and even groups of base64, between them. What is forbidden and common
 * is read too: spaces in a word, words inside other text, missing padding, bytes beyond US-ASCII. What is no word stays.
 */
export function decodeWords(text: string): string {
  let decoded = '';
  let run: Run | null = null;
  let from = 0;
  let wordEnd = -1;
  for (let start = text.indexOf('=?'); start >= 0; start = text.indexOf('=?', Math.max(from, start + 2))) {
    if (wordEnd < start) wordEnd = text.indexOf('?=', start + 2);
    const word = wordEnd < 0 ? 'no more' : wordAt(text, start, wordEnd);
    if (word === 'no more') break;
    if (word === null) continue;
    const between = text.slice(from, start);
    if (run === null || run.charset !== word.charset || between.trim() !== '') {
      const isAdjacent = run !== null && between.trim() === '';
      decoded += flushed(run) + (isAdjacent ? '' : between);
      run = { charset: word.charset, contents: [] };
    }
    append(run, word);
    from = word.end;
  }
  return decoded + flushed(run) + text.slice(from);
}

/**
 * The word that begins there; null when none does, `no more` when no word ends behind.
 *
 * @param nextEnd Where the next `?=` behind the start is, which may still belong to the word's own beginning.
 */
function wordAt(text: string, start: number, nextEnd: number): Word | 'no more' | null {
  WORD_START.lastIndex = start;
  const match = WORD_START.exec(text);
  if (match === null) return null;
  const contentStart = WORD_START.lastIndex;
  const contentEnd = nextEnd < contentStart ? text.indexOf('?=', contentStart) : nextEnd;
  if (contentEnd < 0) return 'no more';
  const content = text.slice(contentStart, contentEnd);
  if (INNER_START.test(content)) return null;
  const [, charset = '', encoding = ''] = match;
  const isBase64 = encoding.toLowerCase() === 'b';
  return { charset: charset.toLowerCase(), isBase64, content, end: contentEnd + 2 };
}

function append(run: Run, { isBase64, content }: Word): void {
  const last = run.contents.at(-1);
  const previous = last?.parts.at(-1) ?? '';
  // A group of four that goes on in the next word can only be decoded together with it; padding ends one.
  if (last?.isBase64 === true && isBase64 && !previous.endsWith('=')) last.parts.push(content);
  else run.contents.push({ isBase64, parts: [content] });
}

function flushed(run: Run | null): string {
  if (run === null) return '';
  const bytes = run.contents.map(({ isBase64, parts }) =>
    isBase64 ? base64Bytes(parts.join('')) : quotedBytes(parts.join('')),
  );
  return decodeCharset(Buffer.concat(bytes), run.charset);
}

/** Text that is no base64 at all, as some mailers write it behind `?B?`, is taken as it stands. */
function base64Bytes(text: string): Buffer {
  return /[^\0-\x7f]/.test(text) ? Buffer.from(text) : decodeGroups(text);
}

/** Padding may end a group anywhere: the words of careless mailers are glued together. */
function decodeGroups(text: string): Buffer {
  if (!/=[^=]/.test(text)) return Buffer.from(text, 'base64');
  return Buffer.concat(text.split(/=+/).map((group) => Buffer.from(group, 'base64')));
}

/** RFC 2047 section 4.2. */
function quotedBytes(text: string): Buffer {
  const plain = Buffer.from(text.replaceAll('_', ' '));
  if (!plain.includes(0x3d)) return plain;
  const latin1 = plain
    .toString('latin1')
    .replace(/=([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(latin1, 'latin1');
}
