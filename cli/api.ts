import { request as httpRequest, type IncomingMessage } from 'node:http';
import { ApiError, localProblem, type ProblemBody } from './errors.ts';
import { type ApiSettings, readApiSettings } from './settings.ts';

/** Polls and first baselines answer when they have ended; nothing takes longer than this. */
const IDLE_TIMEOUT_MS = 30 * 60_000;
const PAGE = '500';

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

/** The API as commands use it. Every method throws ApiError when the answer is not a success. */
export interface Api {
  /** Sends JSON and gives the JSON of the answer. */
  send(method: Method, path: string, body?: unknown): Promise<unknown>;
  /** All pages of a list as one: `next` is null. */
  list(path: string, query?: Readonly<Record<string, string | undefined>>): Promise<ListAnswer>;
  /** The answer's bytes. */
  stream(path: string): Promise<AsyncIterable<Buffer>>;
}

interface ListAnswer {
  readonly data: readonly Record<string, unknown>[];
  readonly next: null;
}

/** A path of the API with its variable parts escaped: ``path`/v1/accounts/${name}` ``. */
export function path(parts: TemplateStringsArray, ...values: readonly string[]): string {
  return String.raw({ raw: parts }, ...values.map(encodeURIComponent));
}

/** The API that the environment names; read at the first call, so that help needs no server. */
export function createApi(env: NodeJS.ProcessEnv): Api {
  let settings: Promise<ApiSettings> | null = null;
  const call = async (method: Method, target: string, body?: unknown): Promise<IncomingMessage> => {
    settings ??= readApiSettings(env);
    return exchange(await settings, method, target, body);
  };
  return {
    async send(method, target, body) {
      return readJson(await call(method, target, body));
    },
    async list(target, query = {}) {
      const data: Record<string, unknown>[] = [];
      let cursor: string | undefined;
      do {
        const answer = asPage(
          await readJson(await call('GET', `${target}?${queryString({ ...query, cursor })}`)),
        );
        data.push(...answer.data);
        cursor = answer.next ?? undefined;
      } while (cursor !== undefined);
      return { data, next: null };
    },
    stream: (target) => call('GET', target),
  };
}

function queryString(query: Readonly<Record<string, string | undefined>>): string {
  const search = new URLSearchParams({ limit: PAGE });
  for (const [key, value] of Object.entries(query)) if (value !== undefined) search.set(key, value);
  return search.toString();
}

/** One request and its answer, a success; ApiError for any other. */
async function exchange(
  settings: ApiSettings,
  method: Method,
  target: string,
  body: unknown,
): Promise<IncomingMessage> {
  const response = await connect(settings, method, target, body);
  const status = response.statusCode ?? 0;
  if (status >= 200 && status < 300) return response;
  const text = await readText(response);
  throw refusal(settings, status, text);
}

async function connect(
  settings: ApiSettings,
  method: Method,
  target: string,
  body: unknown,
): Promise<IncomingMessage> {
  const url = new URL(settings.url.pathname.replace(/\/$/, '') + target, settings.url);
  const request = url.protocol === 'https:' ? (await import('node:https')).request : httpRequest;
  const payload = body === undefined ? null : Buffer.from(JSON.stringify(body), 'utf8');
  const headers: Record<string, string> = { accept: 'application/json' };
  if (settings.token !== null) headers.authorization = `Bearer ${settings.token}`;
  if (payload !== null) {
    headers['content-type'] = 'application/json';
    headers['content-length'] = String(payload.length);
  }
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => reject(unreachable(settings, error));
    const sent = request(url, { method, headers, agent: false, timeout: IDLE_TIMEOUT_MS }, (response) => {
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

function unreachable(settings: ApiSettings, cause: Error): ApiError {
  const where = `Cannot reach mailhook at ${settings.url.origin}`;
  const isRefused = 'code' in cause && cause.code === 'ECONNREFUSED';
  const detail = isRefused
    ? `${where}: is it running? Start it with npm start`
    : `${where}: ${cause.message}`;
  return new ApiError(detail, localProblem('unreachable', 'mailhook cannot be reached', detail), { cause });
}

function refusal(settings: ApiSettings, status: number, text: string): ApiError {
  const problem = parseProblem(text);
  if (problem === null) {
    const detail = `${settings.url.origin} answered ${status}, and not as mailhook does: is MAILHOOK_URL right?`;
    return new ApiError(detail, localProblem('not-mailhook', 'This is not mailhook', detail));
  }
  if (status !== 401) return new ApiError(problem.detail, problem);
  const state = settings.token === null ? 'There is no token in' : 'The server refuses the token of';
  const hint = `${state} ${settings.tokenSource}: is MAILHOOK_DATA the data folder of that server?`;
  return new ApiError(hint, problem);
}

function parseProblem(text: string): ProblemBody | null {
  const body = parseJson(text);
  if (!isRecord(body) || typeof body.code !== 'string' || typeof body.detail !== 'string') return null;
  return body as unknown as ProblemBody;
}

async function readJson(response: IncomingMessage): Promise<unknown> {
  const body = parseJson(await readText(response));
  if (body !== undefined) return body;
  const detail = 'The answer is not JSON: is MAILHOOK_URL right?';
  throw new ApiError(detail, localProblem('not-mailhook', 'This is not mailhook', detail));
}

async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of response) chunks.push(chunk);
  } catch (cause) {
    const detail = 'The connection to mailhook broke off in the middle of its answer';
    throw new ApiError(detail, localProblem('unreachable', 'mailhook cannot be reached', detail), { cause });
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
