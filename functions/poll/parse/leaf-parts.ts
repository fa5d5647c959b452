import { createHash } from 'node:crypto';
import { type AttachmentStream, MailParser, type MailParserOptions } from 'mailparser';
import {
  type BeginAttachment,
  contentTypeOf,
  type DescribedAttachment,
  describeAttachment,
  type TakeBytes,
} from './attachments.ts';
import { MAX_PART_HEADER_BYTES, MAX_PARTS, MAX_TEXT_BYTES } from './limits.ts';
import { type PartText, readPartText, type TextType } from './part-text.ts';
import { hasBrokenMultipart } from './part-tree.ts';
import { quotedPrintableDecoder } from './quoted-printable.ts';

/** What mailparser found in a message that it read to the end. */
export interface Leaves {
  /** In order of appearance. */
  readonly texts: readonly PartText[];
  /** In order of appearance. */
  readonly attachments: readonly DescribedAttachment[];
  /** See `hasBrokenMultipart`. */
  readonly hasBrokenMultipart: boolean;
}

const OPTIONS: MailParserOptions = {
  skipTextToHtml: true,
  skipHtmlToText: true,
  skipImageLinks: true,
  skipTextLinks: true,
  // An embedded message is a file. mailparser would print its header into the text, an unreadable date as the present time.
  ignoreEmbedded: true,
  // We hash ourselves, and only what is an attachment.
  checksumAlgo: false,
  maxChildNodes: MAX_PARTS,
  maxHeadSize: MAX_PART_HEADER_BYTES,
};

/** Shown as text unless the message says `attachment`; a delivery status is what a bounce has to say. */
const TEXT_TYPES = new Set(['text/plain', 'text/html', 'message/delivery-status']);

/** Larger bodies are fed in pieces, so that a decoder does not hold a whole attachment at once. */
const PIECE_BYTES = 64 * 1024;

/** Reads the leaf parts of a message with mailparser. Rejects with what mailparser throws or emits as an error. */
export function readLeaves(header: Buffer, body: Buffer, begin?: BeginAttachment): Promise<Leaves> {
  const parser = streamingParser();
  return new Promise((resolve, reject) => {
    const texts: PartText[] = [];
    let textRoom = MAX_TEXT_BYTES;
    const attachments: DescribedAttachment[] = [];
    let attachmentCount = 0;
    // Later errors of the same parser change nothing: the first one decides.
    const fail = (error: unknown) => {
      reject(error);
      parser.destroy();
    };
    parser.on('data', (item) => {
      if (item.type !== 'attachment') return;
      item.content.on('error', fail);
      if (isText(item)) {
        keepText(item, textRoom, (bytes, isWhole) => {
          textRoom -= bytes.length;
          texts.push(readPartText(textTypeOf(item), bytes, isWhole));
        });
        return;
      }
      attachmentCount += 1;
      const id = String(attachmentCount);
      hashFile(item, begin?.(id) ?? null, (size, sha256) => {
        attachments.push(describeAttachment(item, { id, size, sha256 }));
      });
    });
    parser.once('end', () => {
      resolve({ texts, attachments, hasBrokenMultipart: hasBrokenMultipart(parser) });
    });
    parser.on('error', fail);
    // After the end too; making an error costs more than parsing a small mail's header.
    parser.once('close', () => {
      if (!parser.readableEnded) reject(new Error('the parser stopped before the end'));
    });
    feed(parser, header, body);
  });
}

/**
 * A mailparser that gives every leaf as a stream.
 *
 * By itself it decodes texts and quoted-printable whole, in memory that grows to twenty times their size, and when a
 * thread runs out of memory the whole process may die. So it is told that there are no types of text, and gets another
 * decoder. `textTypes` and `createNode` are not in its types; the version is pinned, and tests tell when they are gone.
 */
function streamingParser(): MailParser {
  const parser = new MailParser(OPTIONS);
  Reflect.set(parser, 'textTypes', []);
  const createNode: unknown = Reflect.get(parser, 'createNode');
  if (typeof createNode !== 'function') throw new TypeError('Cannot parse: mailparser has no createNode');
  Reflect.set(parser, 'createNode', (node: { encoding: unknown; getDecoder: unknown }) => {
    if (node.encoding === 'quoted-printable') node.getDecoder = quotedPrintableDecoder;
    return Reflect.apply(createNode, parser, [node]);
  });
  return parser;
}

function isText(item: AttachmentStream): boolean {
  return TEXT_TYPES.has(item.contentType) && (item.contentDisposition ?? 'inline') === 'inline';
}

function textTypeOf(item: AttachmentStream): TextType {
  const { charset, format, delsp } = contentTypeOf(item)?.params ?? {};
  return { type: item.contentType, charset, format, delsp };
}

/** Reads a text to its end and keeps its first `room` bytes. */
function keepText(
  item: AttachmentStream,
  room: number,
  onEnd: (bytes: Buffer, isWhole: boolean) => void,
): void {
  const kept: Buffer[] = [];
  let size = 0;
  item.content.on('data', (chunk: Buffer) => {
    if (size < room) kept.push(chunk);
    size += chunk.length;
  });
  item.content.once('end', () => {
    const only = kept.length === 1 ? kept[0] : undefined;
    onEnd((only ?? Buffer.concat(kept)).subarray(0, room), size <= room);
    item.release?.();
  });
}

/** Reads a file to its end and keeps nothing of it; whoever wants its bytes gets each piece. */
function hashFile(
  item: AttachmentStream,
  take: TakeBytes | null,
  onEnd: (size: number, sha256: string) => void,
): void {
  const hash = createHash('sha256');
  let size = 0;
  item.content.on('data', (chunk: Buffer) => {
    hash.update(chunk);
    take?.(chunk);
    size += chunk.length;
  });
  item.content.once('end', () => {
    onEnd(size, hash.digest('hex'));
    item.release?.();
  });
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
