import type { z } from 'zod';
import type { AdminDeps } from './deps.ts';
import type { Problem } from './problem.ts';
import { invalidRequest, isProblem, problem, problemResponse } from './problem.ts';
import { fieldErrors } from './validation.ts';

/** A schema under the name it has in the OpenAPI document. */
interface NamedSchema<Schema extends z.ZodType> {
  readonly name: string;
  readonly schema: Schema;
}

/** What a handler is given: checked, never raw. `id` is the path's one variable, empty where there is none. */
interface Call<Body, Query> {
  readonly id: string;
  readonly body: Body;
  readonly query: Query;
}

/** One route: what it takes and gives, for the router and for the OpenAPI document alike. */
interface RouteSpec<Body extends z.ZodType, Query extends z.ZodType, Answer extends z.ZodType> {
  readonly method: 'get' | 'post' | 'patch' | 'delete';
  /** As in OpenAPI, with at most one variable: `/v1/accounts/{account}/test`. */
  readonly path: string;
  readonly summary: string;
  /** `optional`: no body counts as `{}`. */
  readonly body?: NamedSchema<Body> & { readonly optional?: boolean };
  readonly query?: Query;
  /** @default 200 */
  readonly status?: 200 | 201;
  /** Null when the handler makes the Response itself, of this media type. */
  readonly answer: NamedSchema<Answer> | { readonly mediaType: string };
  /** The statuses of the problems it can answer with, beside 500 and those of every route. */
  readonly refusals: readonly number[];
}

/** A route whose types are checked already, so that all of them fit in one list. */
export interface Route {
  readonly spec: RouteSpec<z.ZodType, z.ZodType, z.ZodType>;
  run(deps: AdminDeps, request: RouteRequest): Promise<Response>;
}

/** The parts of an HTTP request that a route can read; `body` reads the text, which is empty when there is none. */
interface RouteRequest {
  readonly id: string;
  readonly query: Readonly<Record<string, string>>;
  readonly contentType: string | null;
  body(): Promise<string | Problem>;
}

/** Binds a handler to its spec: bodies and queries reach it checked, and what it returns has the shape of the answer. */
export function defineRoute<Body extends z.ZodType, Query extends z.ZodType, Answer extends z.ZodType>(
  spec: RouteSpec<Body, Query, Answer>,
  handle: (
    deps: AdminDeps,
    call: Call<z.output<Body>, z.output<Query>>,
  ) => Promise<z.input<Answer> | Response | Problem>,
): Route {
  return {
    spec,
    async run(deps, request) {
      const query = parse(spec.query, request.query);
      if (isProblem(query)) return problemResponse(query);
      const raw = spec.body === undefined ? undefined : await readBody(request, spec.body.optional === true);
      if (isProblem(raw)) return problemResponse(raw);
      const body = parse(spec.body?.schema, raw);
      if (isProblem(body)) return problemResponse(body);
      const answer = await handle(deps, { id: request.id, body, query });
      if (isProblem(answer)) return problemResponse(answer);
      return answer instanceof Response ? answer : jsonResponse(answer, spec.status ?? 200);
    },
  };
}

async function readBody(request: RouteRequest, optional: boolean): Promise<unknown> {
  const text = await request.body();
  if (isProblem(text)) return text;
  if (text.trim() === '') {
    return optional ? {} : invalidRequest([{ path: '', message: 'The body is missing: send JSON' }]);
  }
  if (request.contentType !== null && !/^application\/([\w.+-]+\+)?json\b/i.test(request.contentType)) {
    return problem(415, 'unsupported-media-type', 'The body must be sent as application/json');
  }
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // The parser's message quotes the body, and that may hold a password.
    return invalidRequest([{ path: '', message: 'The body is not valid JSON' }]);
  }
}

function parse<Schema extends z.ZodType>(
  schema: Schema | undefined,
  value: unknown,
): z.output<Schema> | Problem {
  if (schema === undefined) return undefined as z.output<Schema>;
  const parsed = schema.safeParse(value);
  return parsed.success ? parsed.data : invalidRequest(fieldErrors(parsed.error.issues, value));
}

function jsonResponse(body: unknown, status: number): Response {
  return new Response(JSON.stringify(body), {
    status,
    // Answers show addresses, subjects and once even a secret: no cache may keep them.
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
  });
}
