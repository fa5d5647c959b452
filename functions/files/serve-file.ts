import type { Readable } from 'node:stream';
import type { ByteRange } from '../../shared/ports/blobs.ts';
import { matchesEtag, parseByteRange } from './byte-range.ts';
import type { FilesDeps } from './deps.ts';
import { findLinkedFile, type LinkedContent } from './linked-file.ts';
import { problemAnswer } from './problem-answer.ts';

/** An HTTP request for a file. */
export interface FileRequest {
  readonly method: string;
  /** Without the query, as it was sent: a path of a link has nothing that would be encoded. */
  readonly path: string;
  /** By names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
}

/** The answer to it. The stream, where there is one, is to be read to its end or destroyed. */
export interface FileAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readable | string | null;
}

/** Whatever a mail holds: it is saved and never shown, runs nothing, and is asked for again each time it is used. */
const FILE_HEADERS = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; sandbox",
  'cache-control': 'private, no-cache',
  'referrer-policy': 'no-referrer',
} as const;

const GONE = problemAnswer(404, 'no-such-file', 'There is no such file, or not any more');

/**
 * Serves the raw message or an attachment behind a capability link: to whoever has the link, as long as it works. A link that
 * is wrong, altered, expired, revoked or of another message is answered like one that never was.
 */
export async function serveFile(deps: FilesDeps, request: FileRequest): Promise<FileAnswer> {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return problemAnswer(405, 'method-not-allowed', 'Only GET and HEAD are possible here', {
      allow: 'GET, HEAD',
    });
  }
  const file = await findLinkedFile(deps, request.path);
  if (file === null) return GONE;
  const etag = `"${file.sha256}"`;
  const common = { ...FILE_HEADERS, etag };
  if (matchesEtag(request.headers['if-none-match'], etag))
    return { status: 304, headers: common, body: null };
  const headers = {
    ...common,
    'accept-ranges': 'bytes',
    'content-type': file.contentType,
    'content-disposition': file.disposition,
  };
  const range = rangeOf(request, file, etag);
  if (range === 'unsatisfiable') {
    return problemAnswer(416, 'no-such-range', 'The file is shorter than that', {
      'content-range': `bytes */${file.size}`,
    });
  }
  const [status, extent] = range === 'whole' ? wholeOf(file) : partOf(file, range);
  const answered = { status, headers: { ...headers, ...extent } };
  if (request.method === 'HEAD') return { ...answered, body: null };
  return await withBytes(deps, file, answered, range === 'whole' ? undefined : range);
}

/** RFC 9110 section 13.1.5: If-Range with another tag, or with a date, of which there is none here, asks for the whole. */
function rangeOf(
  { headers }: FileRequest,
  file: LinkedContent,
  etag: string,
): ReturnType<typeof parseByteRange> {
  const condition = headers['if-range'];
  return parseByteRange(condition === undefined || condition === etag ? headers.range : undefined, file.size);
}

type Extent = readonly [status: number, headers: Readonly<Record<string, string>>];

function wholeOf({ size }: LinkedContent): Extent {
  return [200, { 'content-length': String(size) }];
}

function partOf({ size }: LinkedContent, { first, last }: ByteRange): Extent {
  return [
    206,
    { 'content-length': String(last - first + 1), 'content-range': `bytes ${first}-${last}/${size}` },
  ];
}

async function withBytes(
  deps: FilesDeps,
  file: LinkedContent,
  answered: Pick<FileAnswer, 'status' | 'headers'>,
  range: ByteRange | undefined,
): Promise<FileAnswer> {
  if (file.attachment !== null) return await withAttachment(deps, file, file.attachment, answered, range);
  const { raw } = file.source;
  if (deps.presign === null) return { ...answered, body: await deps.blobs.open(raw, range) };
  const location = (await deps.presign(raw, file)).href;
  return { status: 302, headers: { ...FILE_HEADERS, 'cache-control': 'no-store', location }, body: null };
}

async function withAttachment(
  { cutter, log }: FilesDeps,
  file: LinkedContent,
  id: string,
  answered: Pick<FileAnswer, 'status' | 'headers'>,
  range: ByteRange | undefined,
): Promise<FileAnswer> {
  const cut = await cutter.cut(file.source, [id]);
  if (cut.kind === 'busy') {
    return problemAnswer(503, 'busy', 'Too many files are asked for: try again', { 'retry-after': '10' });
  }
  const part = cut.kind === 'cut' ? cut.parts.get(id) : undefined;
  if (cut.kind === 'failed' || part === undefined || part.sha256 !== file.sha256) {
    if (cut.kind === 'cut') await cut.dispose();
    const reason = cut.kind === 'failed' ? cut.reason : 'It is not what the event says';
    log.error('files.not-cut', { id: file.event.id, attachment: id, reason });
    return problemAnswer(
      500,
      'not-readable',
      'The attachment cannot be cut out of its message: take the raw one',
    );
  }
  const body = part.open(range);
  body.once('close', () => {
    // Whether it was read to its end or not; a file that stays is taken away at the next start.
    cut.dispose().catch((error: NodeJS.ErrnoException) => {
      log.warn('files.not-removed', { code: error.code ?? error.name });
    });
  });
  return { ...answered, body };
}
