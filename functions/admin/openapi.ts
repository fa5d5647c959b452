import { z } from 'zod';
import { problemSchema } from './common-schema.ts';
import type { Route } from './route.ts';

type Json = Record<string, unknown>;

const PROBLEM_REFERENCE = {
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
};
/** What every route can answer with: no token, a body that is too large, a fault of ours. */
const COMMON_REFUSALS = [401, 500] as const;
const BODY_REFUSALS = [413, 415] as const;

const STATUS_TEXT: Readonly<Record<number, string>> = {
  400: 'The request is not valid',
  401: 'The token is missing or wrong',
  404: 'What it names is not there',
  409: 'It does not go with what is there',
  413: 'The body is too large',
  415: 'The body must be JSON',
  422: 'The mail server or the egress policy refused it',
  500: 'mailhook failed',
  501: 'Not available yet',
};

/** The OpenAPI 3.1 document of these routes. */
export function openApiDocument(routes: readonly Route[], version: string): Json {
  const schemas: Record<string, unknown> = { Problem: jsonSchema(problemSchema, 'output') };
  const paths: Record<string, Record<string, unknown>> = {};
  for (const { spec } of routes) {
    const operations = paths[spec.path] ?? {};
    operations[spec.method] = operation(spec);
    paths[spec.path] = operations;
    if (spec.body !== undefined) schemas[spec.body.name] = jsonSchema(spec.body.schema, 'input');
    if ('schema' in spec.answer) schemas[spec.answer.name] = jsonSchema(spec.answer.schema, 'output');
  }
  return {
    openapi: '3.1.0',
    info: { title: 'mailhook', version, summary: 'Turns mailboxes into signed webhooks' },
    servers: [{ url: '/' }],
    security: [{ bearer: [] }],
    paths,
    components: { schemas, securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
  };
}

function operation(spec: Route['spec']): Json {
  const parameters = [...pathParameters(spec.path), ...queryParameters(spec.query)];
  const refusals = [...spec.refusals, ...COMMON_REFUSALS, ...(spec.body === undefined ? [] : BODY_REFUSALS)];
  return {
    operationId: operationId(spec),
    tags: [spec.path.split('/')[2] ?? ''],
    summary: spec.summary,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(spec.body === undefined
      ? {}
      : {
          requestBody: {
            required: spec.body.optional !== true,
            content: { 'application/json': { schema: { $ref: `#/components/schemas/${spec.body.name}` } } },
          },
        }),
    responses: {
      [String(spec.status ?? 200)]: success(spec.answer),
      ...Object.fromEntries(
        refusals.map((status) => [
          String(status),
          { description: STATUS_TEXT[status] ?? 'Refused', ...PROBLEM_REFERENCE },
        ]),
      ),
    },
  };
}

/** `post /v1/accounts/{account}/rotate-secret` becomes `postAccountsAccountRotateSecret`: unique because the route is. */
function operationId(spec: Route['spec']): string {
  const words = spec.path.replace('/v1/', '').split(/[^a-zA-Z]+/);
  return spec.method + words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
}

function success(answer: Route['spec']['answer']): Json {
  if ('mediaType' in answer) {
    return { description: 'The bytes', content: { [answer.mediaType]: {} } };
  }
  const schema = { $ref: `#/components/schemas/${answer.name}` };
  return { description: answer.name, content: { 'application/json': { schema } } };
}

function pathParameters(path: string): Json[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
}

function queryParameters(query: z.ZodType | undefined): Json[] {
  const properties = query === undefined ? undefined : jsonSchema(query, 'input').properties;
  return Object.entries((properties ?? {}) as Json).map(([name, schema]) => ({
    name,
    in: 'query',
    required: false,
    schema,
  }));
}

function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io, target: 'draft-2020-12' });
  return rest;
}
