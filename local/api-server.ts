import { createHash, timingSafeEqual } from 'node:crypto';
import { Server } from 'node:http';
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { createAdaptorServer } from '@hono/node-server';
import { Hono } from 'hono';
import { problem, problemResponse } from '../functions/admin/problem.ts';
import type { FileAnswer, FileRequest } from '../functions/files/serve-file.ts';
import { statusPage } from './status-page.ts';

/** Requests that are under way when the server closes get so long to end. */
const CLOSE_GRACE_MS = 5_000;
/** A request that has not arrived by then is given up; answers may take as long as they like. */
const REQUEST_TIMEOUT_MS = 30_000;
const LOOPBACK_HOSTS = ['127.0.0.1', 'localhost', '::1'] as const;

/** What is served, where, and to whom. */
export interface ApiServerOptions {
  /** The API, without authentication. */
  readonly app: Hono;
  /** Where to listen; loopback only. @default '127.0.0.1' */
  readonly host?: (typeof LOOPBACK_HOSTS)[number];
  /** 0 takes any free port. */
  readonly port: number;
  /** Attachments and raw mail under `/files`, where the link is the permission. @default nothing is there */
  readonly files?: FilesRoute;
  /** What requests under `/v1` must bring as `Authorization: Bearer`. */
  readonly token: string;
}

/** How links are served. */
interface FilesRoute {
  readonly answer: (request: FileRequest) => Promise<FileAnswer>;
  /** The URL that links begin with, when it is not the address of this server: requests for files may come for its host. */
  readonly publicUrl: string | null;
}

/** The API listening on this machine. */
export interface ApiServer {
  readonly port: number;
  /** `http://127.0.0.1:8025`, for people and for `MAILHOOK_URL`. */
  readonly url: string;
  /** Takes no more requests, and resolves when those under way have ended or 5 seconds have passed. */
  close(): Promise<void>;
}

/** The server cannot listen; the message says on what and what to do. */
export class ApiServerError extends Error {
  override readonly name = 'ApiServerError';
}

/**
 * Serves the API and the status page to this machine only: on loopback, for its own `Host` (a page of another site that
 * rebinds its name to 127.0.0.1 still sends that name), and the API only with the token. Throws ApiServerError when it
 * cannot listen.
 */
export async function startApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const host = options.host ?? '127.0.0.1';
  if (!LOOPBACK_HOSTS.includes(host)) {
    throw new ApiServerError(`Cannot listen on "${host}": the API is for this machine only, use 127.0.0.1`);
  }
  const allowedHosts = new Set<string>();
  const guarded = guardedApp(options, allowedHosts);
  const server = createAdaptorServer({
    fetch: guarded.fetch,
    // The rest of the process keeps the platform's own Request and Response.
    overrideGlobalObjects: false,
    serverOptions: { requestTimeout: REQUEST_TIMEOUT_MS },
  });
  if (!(server instanceof Server)) throw new TypeError('The adaptor made no HTTP/1 server');
  const close = closeWhenAnswered(server);
  const port = await listen(server, host, options.port);
  for (const name of ['127.0.0.1', 'localhost', '[::1]']) {
    allowedHosts.add(`${name}:${port}`);
    if (port === 80) allowedHosts.add(name);
  }
  const shown = host === '::1' ? '[::1]' : host;
  return { port, url: `http://${shown}:${port}`, close };
}

function guardedApp({ app, token, files }: ApiServerOptions, allowedHosts: ReadonlySet<string>): Hono {
  const guarded = new Hono();
  const publicName = hostnameOf(files?.publicUrl ?? null);
  if (files !== undefined) {
    guarded.all('/files/*', (context, next) => {
      // A proxy may leave out the port. For any other name the guard decides, and then the same route once more.
      const isPublic =
        publicName !== null && hostnameOf(`http://${context.req.header('host')}`) === publicName;
      return isPublic ? fileResponse(files, context.req.raw) : next();
    });
  }
  guarded.use(async (context, next) => {
    const host = context.req.header('host')?.toLowerCase() ?? '';
    if (allowedHosts.has(host)) return next();
    const detail = `This server answers to ${[...allowedHosts].join(', ')} only`;
    return problemResponse(problem(403, 'host-not-allowed', detail));
  });
  if (files !== undefined) guarded.all('/files/*', (context) => fileResponse(files, context.req.raw));
  guarded.get('/', async () => {
    const status = await app.request('/v1/status');
    return statusPage(status.ok ? await status.json() : null);
  });
  guarded.use('/v1/*', async (context, next) => {
    if (isAuthorized(context.req.header('authorization'), token)) return next();
    const detail = 'Send the token of the data folder as "Authorization: Bearer …"';
    return problemResponse(problem(401, 'unauthorized', detail, { 'www-authenticate': 'Bearer' }));
  });
  guarded.all('/v1/*', (context) => app.fetch(context.req.raw, context.env));
  guarded.notFound(() => problemResponse(problem(404, 'no-such-route', 'The API is under /v1')));
  return guarded;
}

function hostnameOf(url: string | null): string | null {
  return url === null ? null : (URL.parse(url)?.hostname ?? null);
}

async function fileResponse({ answer }: FilesRoute, request: Request): Promise<Response> {
  const { status, headers, body } = await answer({
    method: request.method,
    path: new URL(request.url).pathname,
    headers: Object.fromEntries(request.headers),
  });
  const stream = body instanceof Readable ? (Readable.toWeb(body) as ReadableStream<Uint8Array>) : body;
  return new Response(stream, { status, headers });
}

/** Compares digests, which have one length, in constant time: neither length nor prefix of the token can be probed. */
function isAuthorized(header: string | undefined, token: string): boolean {
  const given = /^Bearer +(\S+)$/i.exec(header ?? '')?.[1];
  return given !== undefined && timingSafeEqual(sha256(given), sha256(token));
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text, 'utf8').digest();
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(new ApiServerError(listenMessage(error, host, port), { cause: error }));
    });
    server.listen(port, host, () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}

function listenMessage(error: NodeJS.ErrnoException, host: string, port: number): string {
  const reasons: Readonly<Record<string, string>> = {
    EADDRINUSE: 'the port is in use',
    EACCES: 'this port needs more rights',
  };
  const reason = reasons[error.code ?? ''] ?? error.message;
  return `Cannot listen on ${host}:${port}: ${reason}; set MAILHOOK_PORT to another one`;
}

/** Cuts connections only once no answer is under way: a client that keeps one open, and asks nothing, delays no end. */
function closeWhenAnswered(server: Server): () => Promise<void> {
  let underWay = 0;
  let isClosing = false;
  server.on('request', (_request, response) => {
    underWay += 1;
    response.once('close', () => {
      underWay -= 1;
      if (isClosing && underWay === 0) server.closeAllConnections();
    });
  });
  return () =>
    new Promise((resolve) => {
      isClosing = true;
      const timer = setTimeout(() => server.closeAllConnections(), CLOSE_GRACE_MS);
      server.close(() => {
        clearTimeout(timer);
        resolve();
      });
      if (underWay === 0) server.closeAllConnections();
    });
}
