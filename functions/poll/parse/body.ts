import { isUtf8 } from 'node:buffer';
import { decode } from 'libmime/lib/charset.js';
import { type AttachmentStream, MailParser, type MailParserOptions } from 'mailparser';
import type { Attachment } from '../../../shared/event.ts';
import { readAttachment } from './attachments.ts';
import { firstField, type HeaderSection } from './headers.ts';
import {
  MAX_ATTACHMENTS,
  MAX_ERROR_CHARS,
  MAX_EVENT_BYTES,
  MAX_FIELD_BYTES,
  MAX_PART_HEADER_BYTES,
  MAX_PARTS,
} from './limits.ts';
import { readPartTexts } from './part-tree.ts';
import { cleanBody } from './text.ts';

/** What a message holds behind its header. */
export interface Body {
  readonly text: string | null;
  readonly html: string | null;
  readonly attachments: readonly Attachment[];
  /** The names of the fields that were cut. */
  readonly truncated: readonly string[];
  /** Why (a part of) it could not be read; null when all was. */
  readonly problem: string | null;
}

/** Nothing is derived that the message does not hold, and attachments are hashed in passing. */
const OPTIONS: MailParserOptions = {
  skipTextToHtml: true,
  skipHtmlToText: true,
  skipImageLinks: true,
  skipTextLinks: true,
  // An embedded message is a file: mailparser would print its header into the text, an unreadable date as the present time.
  ignoreEmbedded: true,
  checksumAlgo: 'sha256',
  maxChildNodes: MAX_PARTS,
  maxHeadSize: MAX_PART_HEADER_BYTES,
};

/** Fields of the message's own header that say what its body is. */
const CONTENT_FIELDS = ['content-type', 'content-transfer-encoding', 'content-disposition', 'content-id'];

/** Larger bodies are fed in pieces, so that a decoder does not hold a whole attachment at once. */
const PIECE_BYTES = 256 * 1024;

/** The body of a message of which nothing but the header could be read, and why; null when it was not to be read. */
export function unreadBody(problem: string | null): Body {
  return { text: null, html: null, attachments: [], truncated: ['text', 'html', 'attachments'], problem };
}

/**
 * Reads a message's body with mailparser. What it cannot read is a `problem`, never an exception; but a message may
 * keep the thread busy or kill it, which only the pool around it can end.
 *
 * mailparser gets the fields that describe the content and none of the others, which our own reader reads: their
 * number and size can then neither slow it down nor make it refuse the message.
 */
export async function readBody(section: HeaderSection, body: Buffer): Promise<Body> {
  const outcome = await runParser(contentHeader(section), body);
  if (outcome.kind === 'failed') return unreadBody(outcome.problem);
  const { parser, attachments } = outcome;
  const texts = readPartTexts(parser);
  const truncated = attachments.length < outcome.attachmentCount ? ['attachments'] : [];
  const found = { text: texts.text, html: texts.html, attachments, truncated };
  if (!texts.hasBrokenMultipart) return { ...found, problem: null };
  // RFC 2046 section 5.1.1: without its delimiter a multipart has no parts, and mailparser drops what is there instead.
  const nothing = found.text === null && found.html === null && outcome.attachmentCount === 0;
  if (!nothing) {
    return {
      ...found,
      problem: 'The boundary of a multipart part does not occur, so that part could not be read',
    };
  }
  const text = bodyAsText(body);
  if (text === null) return { ...found, problem: null };
  return {
    ...found,
    text,
    problem:
      'The boundary that the Content-Type names does not occur: the body is given as text, as it stands',
  };
}

type Outcome =
  | {
      readonly kind: 'parsed';
      readonly parser: MailParser;
      readonly attachments: readonly Attachment[];
      readonly attachmentCount: number;
    }
  | { readonly kind: 'failed'; readonly problem: string };

function runParser(header: Buffer, body: Buffer): Promise<Outcome> {
  const parser = new MailParser(OPTIONS);
  return new Promise((resolve) => {
    const attachments: Attachment[] = [];
    let attachmentCount = 0;
    // Later errors of the same parser change nothing: the first one decides.
    const fail = (error: unknown) => {
      resolve({ kind: 'failed', problem: problemOf(error) });
      parser.destroy();
    };
    parser.on('data', (item) => {
      if (item.type !== 'attachment') return;
      attachmentCount += 1;
      const id = attachmentCount;
      item.content.once('error', fail);
      drain(item, () => {
        if (id <= MAX_ATTACHMENTS.count) attachments.push(readAttachment(item, String(id)));
      });
    });
    parser.once('end', () => resolve({ kind: 'parsed', parser, attachments, attachmentCount }));
    parser.on('error', fail);
    parser.once('close', () => resolve({ kind: 'failed', problem: 'The parser stopped before the end' }));
    feed(parser, header, body);
  });
}

/** Reads an attachment to its end, for size and hash, and keeps nothing of it. */
function drain(item: AttachmentStream, onEnd: () => void): void {
  item.content.once('end', () => {
    onEnd();
    item.release?.();
  });
  item.content.resume();
}

function feed(parser: MailParser, header: Buffer, body: Buffer): void {
  if (body.length <= PIECE_BYTES) {
    // One piece is one turn of every stream inside; the copy costs less.
    parser.end(Buffer.concat([header, body]));
    return;
  }
  parser.write(header);
  let at = 0;
  const more = () => {
    while (at < body.length && !parser.destroyed) {
      const piece = body.subarray(at, at + PIECE_BYTES);
      at += piece.length;
      if (!parser.write(piece)) {
        parser.once('drain', more);
        return;
      }
    }
    if (!parser.destroyed) parser.end();
  };
  more();
}

function contentHeader(section: HeaderSection): Buffer {
  const parts: Buffer[] = [];
  for (const key of CONTENT_FIELDS) {
    const field = firstField(section, key);
    if (field !== null && field.line.length <= MAX_FIELD_BYTES) parts.push(field.line, CRLF);
  }
  parts.push(CRLF);
  return Buffer.concat(parts);
}

const CRLF = Buffer.from('\r\n');

/** The body's bytes as they stand; null when it is blank. */
function bodyAsText(body: Buffer): string | null {
  // What is beyond one event is cut by the event's builder, which then says so; one byte more makes it do that.
  const bytes = body.subarray(0, MAX_EVENT_BYTES + 1);
  const text = isUtf8(bytes) ? bytes.toString('utf8') : decode(bytes, 'windows-1252');
  return /\S/.test(text) ? cleanBody(text.replace(/\r\n/g, '\n')) : null;
}

function problemOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  if (code === 'EMAXLEN') {
    return `The message has more than ${MAX_PARTS} parts, or a part's header is larger than ${MAX_PART_HEADER_BYTES} bytes`;
  }
  const message = error instanceof Error ? error.message : String(error);
  return `The message could not be parsed: ${message.split('\n', 1)[0]?.slice(0, MAX_ERROR_CHARS)}`;
}
