import { request as httpRequest, type IncomingMessage } from 'node:http';
import type { Connection, Method } from './connection.ts';
import { type ApiError, localError, notMailhook, type ProblemBody } from './errors.ts';

/** Polls and first baselines answer when they have ended; nothing takes longer than this. */
const IDLE_TIMEOUT_MS = 30 * 60_000;
const PAGE = '500';

/** The API as commands use it. Every method throws ApiError when the answer is not a success. */
export interface Api {
  /** Sends JSON and gives the JSON of the answer. */
  send(method: Method, path: string, body?: unknown): Promise<unknown>;
  /** All pages of a list as one: `next` is null. `Item` is what the API's contract says of this path. */
  list<Item = Record<string, unknown>>(
    path: string,
    query?: Readonly<Record<string, string | undefined>>,
  ): Promise<ListAnswer<Item>>;
  /** The answer's bytes. */
  stream(path: string): Promise<AsyncIterable<Buffer>>;
}

interface ListAnswer<Item> {
  readonly data: readonly Item[];
  readonly next: null;
}

/** A path of the API with its variable parts escaped: ``path`/v1/accounts/${name}` ``. */
export function path(parts: TemplateStringsArray, ...values: readonly string[]): string {
  return String.raw({ raw: parts }, ...values.map(encodeURIComponent));
}

/** The API behind a connection, which is made at the first call, so that help needs no server. */
export function createApi(connect: () => Promise<Connection>): Api {
  let connection: Promise<Connection> | null = null;
  const connected = (): Promise<Connection> => {
    connection ??= connect();
    return connection;
  };
  const call = async (method: Method, target: string, body?: unknown): Promise<IncomingMessage> =>
    exchange(await connected(), method, target, body);
  const readJson = async (response: IncomingMessage): Promise<unknown> => {
    const body = parseJson(await readText(response));
    if (body !== undefined) return body;
    throw notMailhook((await connected()).notJson());
  };
  return {
    async send(method, target, body) {
      return readJson(await call(method, target, body));
    },
    async list<Item>(target: string, query: Readonly<Record<string, string | undefined>> = {}) {
      const data: unknown[] = [];
      let cursor: string | undefined;
      do {
        const answer = asPage(
          await readJson(await call('GET', `${target}?${queryString({ ...query, cursor })}`)),
        );
        data.push(...answer.data);
        cursor = answer.next ?? undefined;
      } while (cursor !== undefined);
      return { data: data as Item[], next: null };
    },
    stream: (target) => call('GET', target),
  };
}

function queryString(query: Readonly<Record<string, string | undefined>>): string {
  const search = new URLSearchParams({ limit: PAGE });
  for (const [key, value] of Object.entries(query)) if (value !== undefined) search.set(key, value);
  // A blank as `%20`: AWS signs a `+` as itself.
  return search.toString().replaceAll('+', '%20');
}

/** One request and its answer, a success; ApiError for any other. */
async function exchange(
  connection: Connection,
  method: Method,
  target: string,
  body: unknown,
): Promise<IncomingMessage> {
  const response = await request(connection, method, target, body);
  const status = response.statusCode ?? 0;
  if (status >= 200 && status < 300) return response;
  const text = await readText(response);
  throw connection.refusal(status, parseProblem(text), text);
}

async function request(
  connection: Connection,
  method: Method,
  target: string,
  body: unknown,
): Promise<IncomingMessage> {
  const payload = body === undefined ? null : Buffer.from(JSON.stringify(body), 'utf8');
  const headers: Record<string, string> = { accept: 'application/json' };
  if (payload !== null) {
    headers['content-type'] = 'application/json';
    headers['content-length'] = String(payload.length);
  }
  const { url, options } = await connection.prepare({ method, target, headers, payload });
  const send = url.protocol === 'https:' ? (await import('node:https')).request : httpRequest;
  return new Promise((resolve, reject) => {
    const fail = (cause: Error): void => reject(unreachable(connection.unreachable(cause), cause));
    const sent = send(url, { ...options, method, agent: false, timeout: IDLE_TIMEOUT_MS }, (response) => {
      // From here on the reader of the body hears of errors.
      sent.off('error', fail);
      sent.on('error', (error) => response.destroy(error));
      resolve(response);
    });
    sent.on('error', fail);
    sent.on('timeout', () => sent.destroy(new Error('no answer in time')));
    sent.end(payload);
  });
}

function unreachable(detail: string, cause: unknown): ApiError {
  return localError('unreachable', 'mailhook cannot be reached', detail, cause);
}

function parseProblem(text: string): ProblemBody | null {
  const body = parseJson(text);
  if (!isRecord(body) || typeof body.code !== 'string' || typeof body.detail !== 'string') return null;
  const { code, detail, type, title, status } = body;
  return {
    ...body,
    code,
    detail,
    type: typeof type === 'string' ? type : 'about:blank',
    title: typeof title === 'string' ? title : code,
    status: typeof status === 'number' ? status : 0,
  };
}

async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of response) chunks.push(chunk);
  } catch (cause) {
    const detail = 'The connection to mailhook broke off in the middle of its answer';
    throw unreachable(detail, cause);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function asPage(body: unknown): { data: Record<string, unknown>[]; next: string | null } {
  const page = isRecord(body) ? body : {};
  return {
    data: Array.isArray(page.data) ? page.data.filter(isRecord) : [],
    next: typeof page.next === 'string' ? page.next : null,
  };
}

/** Whether a JSON value is an object. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
