import { type Agent, Agent as HttpAgent, request as httpRequest, type RequestOptions } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';
import packageJson from '../../package.json' with { type: 'json' };
import { type Egress, EgressError } from '../../shared/egress/egress.ts';
import { type Answered, type Exchanged, exchange } from './exchange.ts';
import type { Failure } from './failure.ts';

/** One POST of an event. */
export interface PostRequest {
  readonly url: string;
  /** Name and value in turn, all but the ones that belong to the connection and the body. */
  readonly headers: readonly string[];
  readonly body: Uint8Array;
  /** From the first DNS query to the status line, in ms. */
  readonly timeoutMs: number;
}

/** What came of a POST, and how long all of it took. */
export type PostResult =
  | (Answered & { readonly durationMs: number })
  | (Failure & { readonly kind: 'failed'; readonly durationMs: number });

/** Sends signed events to webhooks. */
export interface PostClient {
  /** Never rejects for what a receiver, a network or a policy does; throws for headers that cannot be sent. */
  post(request: PostRequest): Promise<PostResult>;
  /** Ends all connections. A request under way fails as `internal`, since the receiver is not to blame. */
  close(): void;
}

/** What a client may contact, and how long it keeps connections. */
interface PostClientOptions {
  /** Judges every URL and every address, inside the socket's own lookup. */
  readonly egress: Egress;
  /**
   * Whether connections are kept for the next request. A client of a Lambda function lives as long as one invocation: a
   * process that is frozen in between would wake up to dead connections.
   */
  readonly keepAlive: boolean;
}

/** A URL taken apart once. */
interface Target {
  readonly secure: boolean;
  readonly options: RequestOptions;
  /** `Host` and its value. */
  readonly host: readonly [string, string];
}

interface Agents {
  readonly http: Agent;
  readonly https: Agent;
}

const MAX_TARGETS = 10_000;
const MAX_HEADER_BYTES = 16_384;
/** A connection that was idle for longer may have been forgotten by something on the way, without a word. */
const IDLE_TIMEOUT_MS = 30_000;
/** Between the addresses of a host; Node's 250 ms gives up on far ones. */
const ADDRESS_TIMEOUT_MS = 1_000;
const MAX_IDLE_PER_HOST = 64;

const CUT_OFF = 'The request was cut off, because mailhook was told to stop';

const COMMON_HEADERS = [
  'content-type',
  'application/json',
  'user-agent',
  `mailhook/${packageJson.version}`,
  'accept-encoding',
  'identity',
] as const;

/** A client that contacts only what the egress policy allows, follows no redirect, decompresses nothing and uses no proxy. */
export function createPostClient(options: PostClientOptions): PostClient {
  const { egress } = options;
  const targets = new Map<string, Target>();
  const kept = createAgents(egress, options.keepAlive);
  const fresh = createAgents(egress, false);
  /** A request that began before the last close was cut off by it. */
  let closings = 0;

  function targetOf(url: string): Target {
    const known = targets.get(url);
    if (known !== undefined) return known;
    const target = parseTarget(egress.checkUrl(url));
    if (targets.size >= MAX_TARGETS) targets.clear();
    targets.set(url, target);
    return target;
  }

  async function post(request: PostRequest): Promise<PostResult> {
    const startedAt = performance.now();
    const closingsBefore = closings;
    const isCutOff = () => closings > closingsBefore;
    const elapsedMs = () => performance.now() - startedAt;
    let target: Target;
    try {
      target = targetOf(request.url);
    } catch (error) {
      if (!(error instanceof EgressError)) throw error;
      return { kind: 'failed', reason: 'egress', message: error.message, durationMs: 0 };
    }
    let answer = await send(target, kept, request, request.timeoutMs);
    if (answer.kind === 'failed' && answer.stale && !isCutOff()) {
      // The same bytes once more, on a connection that nobody can have closed yet.
      answer = await send(target, fresh, request, Math.max(1, request.timeoutMs - elapsedMs()));
    }
    const durationMs = Math.round(elapsedMs());
    if (answer.kind === 'answered') return { ...answer, durationMs };
    if (isCutOff()) return { kind: 'failed', reason: 'internal', message: CUT_OFF, durationMs };
    return { kind: 'failed', reason: answer.reason, message: answer.message, durationMs };
  }

  function close(): void {
    closings += 1;
    for (const agent of [kept.http, kept.https, fresh.http, fresh.https]) agent.destroy();
  }
  return { post, close };
}

function send(target: Target, agents: Agents, request: PostRequest, timeoutMs: number): Promise<Exchanged> {
  const headers = [
    ...target.host,
    ...COMMON_HEADERS,
    'content-length',
    String(request.body.byteLength),
    ...request.headers,
  ];
  const { options } = target;
  const sent = target.secure
    ? httpsRequest({ ...options, headers, agent: agents.https })
    : httpRequest({ ...options, headers, agent: agents.http });
  return exchange(sent, request.body, timeoutMs);
}

function parseTarget(url: URL): Target {
  const secure = url.protocol === 'https:';
  const host = url.hostname.replace(/^\[|\]$/g, '');
  // RFC 6066 section 3: the name without its trailing dot, and none for an address.
  const servername = isIP(host) === 0 ? host.replace(/\.$/, '') : '';
  return {
    secure,
    host: ['host', url.host],
    options: {
      method: 'POST',
      protocol: url.protocol,
      host,
      ...(secure && { servername }),
      port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
      path: url.pathname + url.search,
      maxHeaderSize: MAX_HEADER_BYTES,
      insecureHTTPParser: false,
    },
  };
}

function createAgents(egress: Egress, keepAlive: boolean): Agents {
  const common = {
    keepAlive,
    timeout: IDLE_TIMEOUT_MS,
    maxFreeSockets: MAX_IDLE_PER_HOST,
    lookup: egress.lookup,
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: ADDRESS_TIMEOUT_MS,
  };
  // Said outright, so that no variable of the environment turns it off.
  const tls = { minVersion: 'TLSv1.2' as const, rejectUnauthorized: true };
  return { http: new HttpAgent(common), https: new HttpsAgent({ ...common, ...tls }) };
}
