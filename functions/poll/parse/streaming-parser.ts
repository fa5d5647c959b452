import type { Transform } from 'node:stream';
import { MailParser, type MailParserOptions } from 'mailparser';
import { damagedDelimiter, hasDelimiterBehind, isLineEnd } from './delimiters.ts';
import { readHeaderSection } from './headers.ts';
import { MAX_PART_HEADER_BYTES, MAX_PARTS } from './limits.ts';
import { type PartHeader, plainHeader, readPartHeader } from './part-header.ts';
import { quotedPrintableDecoder } from './quoted-printable.ts';
import { uuDecoder } from './uuencode.ts';

/** A part that a parser found, multiparts included. */
interface Part {
  /** Its number in order of appearance; the message itself is 0. */
  readonly index: number;
  readonly header: PartHeader;
  /** A multipart that is to be given as one file, since it has no parts. */
  readonly isLost: boolean;
  /** The first part beyond the limit, with all that follows: nothing to keep. */
  readonly isBeyond: boolean;
}

/** A mailparser and what it found so far. */
interface StreamingParser {
  readonly parser: MailParser;
  /** The part that a leaf's headers belong to; null of headers that no part has. */
  partOf(headers: object): Part | null;
  /** The numbers of the multiparts in which no part was found, or not all. */
  lostParts(): ReadonlySet<number>;
  /** Whether the message has more than `MAX_PARTS`, of which the first ones are given. */
  isOverfull(): boolean;
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
  // Ours is reached first, see `streamingParser`: an error would come at a moment that the message does not decide.
  maxChildNodes: MAX_PARTS + 1,
  maxHeadSize: MAX_PART_HEADER_BYTES,
};

/** What is used of the nodes of mailparser's splitter. */
interface SplitNode {
  readonly type: 'node';
  parentNode: SplitNode | false;
  headers: unknown;
  _boundary: Buffer | false;
  _headersLines: Buffer[];
  _headerlen: number;
  getDecoder: () => Transform;
  parseHeaders(): void;
}

/** What is used of the splitter. */
interface Splitter {
  node: SplitNode;
  newNode(parent: SplitNode | false): void;
  compareBoundary(line: Buffer, start: number, boundary: Buffer): 1 | 2 | false;
  push(chunk: SplitChunk | SplitNode | null): boolean;
}

interface SplitChunk {
  readonly type: 'body' | 'data' | 'none';
  readonly node?: SplitNode;
  readonly value?: Buffer;
}

interface FoundPart {
  readonly index: number;
  readonly parent: FoundPart | null;
  hasParts: boolean;
  part: Part | null;
  /** Lines behind the header that are content, because the empty line between is missing. */
  stray: Buffer | null;
}

/**
 * A mailparser that gives every leaf as a stream, is told in the plainest words what each part is, and reads damaged
 * delimiters.
 *
 * By itself it decodes texts and quoted-printable whole, in memory that grows to twenty times their size, and when a thread
 * runs out of memory the whole process may die. So it is told that there are no types of text, and gets other decoders.
 * Between its splitter's collecting and reading of a part's header ours reads it, and the splitter gets what was read.
 * `textTypes`, `createNode`, `splitter` and what `Splitter` lists are not in its types; the version is pinned, and tests
 * tell when one of them is gone.
 *
 * @param root What the message's own header says, which is not fed to the parser: it gets `plainHeader(root)`.
 * @param lost The numbers of the multiparts that are to be given as files.
 */
export function streamingParser(root: PartHeader, lost: ReadonlySet<number>): StreamingParser {
  const parser = new MailParser(OPTIONS);
  Reflect.set(parser, 'textTypes', []);
  const splitter = splitterOf(parser);
  const found = new Map<SplitNode, FoundPart>();
  const byHeaders = new Map<object, Part>();
  const watch = (node: SplitNode, read: (lines: Buffer, one: FoundPart) => PartHeader) => {
    const parent = node.parentNode === false ? null : (found.get(node.parentNode) ?? null);
    if (parent !== null) parent.hasParts = true;
    const one: FoundPart = { index: found.size, parent, hasParts: false, part: null, stray: null };
    found.set(node, one);
    const parseHeaders = node.parseHeaders;
    node.parseHeaders = () => {
      if (node.headers === false) describe(node, one, lost, read);
      Reflect.apply(parseHeaders, node, []);
    };
  };
  const newNode = splitter.newNode;
  splitter.newNode = (parent) => {
    announce(splitter);
    Reflect.apply(newNode, splitter, [parent]);
    watch(splitter.node, readLines);
  };
  watch(splitter.node, () => root);
  // One more than the limit takes the rest of the message, since no delimiter ends it.
  const isOverfull = () => found.size > MAX_PARTS;
  readDamagedDelimiters(splitter, isOverfull);
  leaveEmptyPartsEmpty(splitter);
  giveDecoders(parser, found, byHeaders);
  return {
    parser,
    partOf: (headers) => byHeaders.get(headers) ?? null,
    isOverfull,
    lostParts: () => new Set([...found.values()].filter(isLostMultipart).map(({ index }) => index)),
  };
}

function splitterOf(parser: MailParser): Splitter {
  const splitter: Splitter | undefined = Reflect.get(parser, 'splitter');
  const parts = [splitter?.newNode, splitter?.compareBoundary, splitter?.push, splitter?.node?.parseHeaders];
  if (splitter === undefined || parts.some((part) => typeof part !== 'function')) {
    throw new TypeError('Cannot parse: the splitter of mailparser is another one than expected');
  }
  return splitter;
}

/** A part that ends within its header is no part to the splitter when another one follows; to us it is. */
function announce(splitter: Splitter): void {
  const { node } = splitter;
  if (node.headers !== false || node._headerlen === 0) return;
  node.parseHeaders();
  splitter.push(node);
}

/** Reads a part's header in place of the splitter, and leaves the splitter the plain words of it. */
function describe(
  node: SplitNode,
  one: FoundPart,
  lost: ReadonlySet<number>,
  read: (lines: Buffer, one: FoundPart) => PartHeader,
): void {
  const header = read(Buffer.concat(node._headersLines, node._headerlen), one);
  const isLost = lost.has(one.index);
  one.part = { index: one.index, header, isLost, isBeyond: one.index >= MAX_PARTS };
  const plain = plainHeader(isLost ? { ...header, type: 'application/octet-stream' } : header);
  node._headersLines = [plain];
  node._headerlen = plain.length;
}

function readLines(lines: Buffer, one: FoundPart): PartHeader {
  const section = readHeaderSection(lines);
  one.stray = section.bodyStart < lines.length ? withoutLastEnd(lines.subarray(section.bodyStart)) : null;
  const isInDigest = one.parent?.part?.header.type === 'multipart/digest';
  return readPartHeader(section, isInDigest ? 'message/rfc822' : 'text/plain');
}

/** The line end in front of a delimiter belongs to the delimiter; behind an empty line comes content. */
function withoutLastEnd(lines: Buffer): Buffer {
  const text = lines.toString('latin1');
  return /\n\r?\n$/.test(text) ? lines : lines.subarray(0, text.replace(/\r?\n$/, '').length);
}

/** Takes damaged delimiters for what they were: what stands behind is no content of the part in front. */
function readDamagedDelimiters(splitter: Splitter, isOverfull: () => boolean): void {
  const compare = splitter.compareBoundary;
  // A boundary that has not opened a part is the wrong one, and what looks like it belongs to another.
  const opened = new WeakSet<Buffer>();
  splitter.compareBoundary = (line, start, boundary) => {
    if (isOverfull()) return false;
    const found = Reflect.apply(compare, splitter, [line, start, boundary]);
    if (found === 1) opened.add(boundary);
    return found || (opened.has(boundary) && damagedDelimiter(line, start, boundary));
  };
}

/**
 * Of a part that is empty the splitter gives the line end in front of the next delimiter, which belongs to the delimiter
 * (RFC 2046 section 5.1.1); of any other part it does not. Behind that line end, in the same memory, stands the delimiter.
 */
function leaveEmptyPartsEmpty(splitter: Splitter): void {
  const push = splitter.push;
  const begun = new WeakSet<SplitNode>();
  splitter.push = (chunk) => {
    if (chunk?.type === 'body' && chunk.node !== undefined && chunk.value !== undefined) {
      if (!begun.has(chunk.node) && isStartOfDelimiter(chunk.value, chunk.node)) return true;
      begun.add(chunk.node);
    }
    return Reflect.apply(push, splitter, [chunk]);
  };
}

function isStartOfDelimiter(value: Buffer, node: SplitNode): boolean {
  if (!isLineEnd(value)) return false;
  for (let open = node.parentNode; open !== false; open = open.parentNode) {
    if (open._boundary && hasDelimiterBehind(value, open._boundary)) return true;
  }
  return false;
}

/** Each part gets the decoder of its encoding, which is fed with the lines that were taken for header. */
function giveDecoders(
  parser: MailParser,
  found: ReadonlyMap<SplitNode, FoundPart>,
  byHeaders: Map<object, Part>,
): void {
  const createNode: unknown = Reflect.get(parser, 'createNode');
  if (typeof createNode !== 'function') throw new TypeError('Cannot parse: mailparser has no createNode');
  Reflect.set(parser, 'createNode', (node: SplitNode) => {
    const one = found.get(node);
    const encoding = one?.part?.header.encoding;
    if (encoding === 'quoted-printable') node.getDecoder = quotedPrintableDecoder;
    if (encoding === 'uuencode') node.getDecoder = uuDecoder;
    const created: { headers: object; decoder?: Transform } = Reflect.apply(createNode, parser, [node]);
    if (one?.part) byHeaders.set(created.headers, one.part);
    if (one?.stray) created.decoder?.write(one.stray);
    return created;
  });
}

/** A multipart without parts, or with the first ones in what was taken for its header. */
function isLostMultipart({ part, hasParts, stray }: FoundPart): boolean {
  if (part === null || part.isLost || part.isBeyond || !part.header.type.startsWith('multipart/'))
    return false;
  return !hasParts || (stray !== null && /^--/m.test(stray.toString('latin1')));
}
