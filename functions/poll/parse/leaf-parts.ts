import { createHash } from 'node:crypto';
import type { AttachmentStream, MailParser } from 'mailparser';
import {
  type BeginAttachment,
  type DescribedAttachment,
  describeAttachment,
  type TakeBytes,
} from './attachments.ts';
import { guessBoundary } from './guess-boundary.ts';
import { MAX_RESCUES, MAX_TEXT_BYTES } from './limits.ts';
import { type PartHeader, plainHeader } from './part-header.ts';
import { type PartText, readPartText } from './part-text.ts';
import { streamingParser } from './streaming-parser.ts';

/** What was found in a message. */
export interface Leaves {
  /** In order of appearance. */
  readonly texts: readonly PartText[];
  /** In order of appearance. */
  readonly attachments: readonly DescribedAttachment[];
  /** What became of multiparts whose boundary does not occur, and were not empty. */
  readonly rescued: readonly Rescue[];
  /** Whether the message has more parts than are read: what is behind is missing. */
  readonly isOverfull: boolean;
}

/** Of a multipart without its boundary either the parts were found by another one, or its content is given as text. */
type Rescue = 'by another boundary' | 'as text';

/** Shown as text unless the message says `attachment`; a delivery status is what a bounce has to say. */
const TEXT_TYPES = new Set(['text/plain', 'text/html', 'message/delivery-status']);

/** Larger bodies are fed in pieces, so that a decoder does not hold a whole attachment at once. */
const PIECE_BYTES = 64 * 1024;

/** What is gathered while a message is read, by one parser or by several. */
interface Gathering {
  readonly texts: PartText[];
  textRoom: number;
  readonly attachments: DescribedAttachment[];
  attachmentCount: number;
  readonly rescued: Rescue[];
  isOverfull: boolean;
  readonly begin: BeginAttachment | undefined;
}

/**
 * Reads the leaf parts of a message with mailparser. Rejects with what mailparser throws or emits as an error.
 *
 * Where a multipart has no parts in it, its boundary being missing or never occurring (RFC 2046 section 5.1.1), mailparser
 * drops what it holds without a word. Then all is read once more with that part as a file, and the file by the boundary that
 * it shows, or as text.
 */
export function readLeaves(header: PartHeader, body: Buffer, begin?: BeginAttachment): Promise<Leaves> {
  return readRescuing(header, body, 0, () => ({
    texts: [],
    textRoom: MAX_TEXT_BYTES,
    attachments: [],
    attachmentCount: 0,
    rescued: [],
    isOverfull: false,
    begin,
  }));
}

/** @param gather Where the leaves go; asked for once more when all is read once more. */
async function readRescuing(
  header: PartHeader,
  body: Buffer,
  depth: number,
  gather: () => Gathering,
): Promise<Gathering> {
  const first = gather();
  const lost = await readOnce(header, body, { lost: new Set(), depth, into: first });
  if (lost.size === 0) return first;
  const second = gather();
  await readOnce(header, body, { lost, depth, into: second });
  return second;
}

interface Reading {
  readonly lost: ReadonlySet<number>;
  readonly depth: number;
  readonly into: Gathering;
}

/** Reads all leaves, and answers with the numbers of the multiparts in which there were none. */
function readOnce(header: PartHeader, body: Buffer, reading: Reading): Promise<ReadonlySet<number>> {
  const { parser, partOf, lostParts, isOverfull } = streamingParser(header, reading.lost);
  let rescuing = Promise.resolve();
  return new Promise((resolve, reject) => {
    // Later errors of the same parser change nothing: the first one decides.
    const fail = (error: unknown) => {
      reject(error);
      parser.destroy();
    };
    parser.on('data', (item) => {
      if (item.type !== 'attachment') return;
      item.content.on('error', fail);
      const part = partOf(item.headers);
      if (part === null) fail(new Error('mailparser gave a part that it had not announced'));
      else if (part.isBeyond) keepBytes(item, 0, () => item.release?.());
      else if (part.isLost) {
        keepBytes(item, Number.POSITIVE_INFINITY, (bytes) => {
          rescuing = rescue(part.header, bytes, reading).then(() => item.release?.());
          rescuing.catch(fail);
        });
      } else readLeaf(item, part.header, reading.into);
    });
    // The parser does not wait for the release of its last leaf.
    parser.once('end', () => {
      reading.into.isOverfull ||= isOverfull();
      rescuing.then(() => resolve(lostParts()), fail);
    });
    parser.on('error', fail);
    // After the end too; making an error costs more than parsing a small mail's header.
    parser.once('close', () => {
      if (!parser.readableEnded) reject(new Error('the parser stopped before the end'));
    });
    feed(parser, plainHeader(header), body);
  });
}

/** The parser goes on with the next leaf when this one is released. */
function readLeaf(item: AttachmentStream, header: PartHeader, into: Gathering): void {
  if (isText(header)) {
    keepBytes(item, into.textRoom, (bytes, isWhole) => {
      into.textRoom -= bytes.length;
      into.texts.push(readPartText(header, bytes, isWhole));
      item.release?.();
    });
    return;
  }
  into.attachmentCount += 1;
  const id = String(into.attachmentCount);
  hashFile(item, into.begin?.(id) ?? null, (size, sha256) => {
    into.attachments.push(describeAttachment(header, { id, size, sha256 }));
    item.release?.();
  });
}

function isText({ type, disposition }: PartHeader): boolean {
  return TEXT_TYPES.has(type) && disposition !== 'attachment';
}

/** Reads the content of a multipart whose boundary does not occur; what is blank has nothing to rescue. */
async function rescue(lost: PartHeader, content: Buffer, { depth, into }: Reading): Promise<void> {
  const boundary = depth < MAX_RESCUES ? guessBoundary(content) : null;
  if (boundary === null) {
    const bytes = content.subarray(0, into.textRoom);
    into.textRoom -= bytes.length;
    const text = readPartText({ type: 'text/plain' }, bytes, bytes.length === content.length);
    if (text.text.trim() === '') return;
    into.rescued.push('as text');
    into.texts.push(text);
    return;
  }
  if (boundary !== lost.boundary) into.rescued.push('by another boundary');
  const before = { ...into };
  const [texts, attachments, rescued] = [into.texts.length, into.attachments.length, into.rescued.length];
  const header: PartHeader = { ...lost, boundary, encoding: 'identity' };
  await readRescuing(header, content, depth + 1, () => {
    // What a reading before this one found of the same content is void.
    into.texts.length = texts;
    into.attachments.length = attachments;
    into.rescued.length = rescued;
    into.textRoom = before.textRoom;
    into.attachmentCount = before.attachmentCount;
    return into;
  });
}

/** Reads a leaf to its end and keeps its first `room` bytes. */
function keepBytes(
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
  item.content.once('end', () => onEnd(size, hash.digest('hex')));
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
