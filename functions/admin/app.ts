import { type Context, Hono } from 'hono';
import { z } from 'zod';
import { accountRoutes } from './accounts.ts';
import { deliveryRoutes } from './deliveries.ts';
import type { AdminDeps } from './deps.ts';
import { quoted } from './lookup.ts';
import { messageRoutes } from './messages.ts';
import { openApiDocument } from './openapi.ts';
import { problem, problemResponse } from './problem.ts';
import { readText } from './read-text.ts';
import { defineRoute, type Route } from './route.ts';
import { statusRoutes } from './status.ts';
import { webhookRoutes } from './webhooks.ts';

/** The HTTP API as a Hono app: everything under `/v1`, without authentication, which is the host's matter. */
export function createAdminApp(deps: AdminDeps): Hono {
  const app = new Hono();
  const routes = allRoutes(deps.version);
  for (const route of routes) {
    app.on(route.spec.method.toUpperCase(), honoPath(route.spec.path), (context) =>
      respond(deps, route, context),
    );
  }
  for (const [path, methods] of methodsByPath(routes)) {
    app.all(path, (context) => methodNotAllowed(context, methods));
  }
  app.notFound((context) =>
    problemResponse(problem(404, 'no-such-route', `There is no route ${quoted(context.req.path)}`)),
  );
  app.onError((error, context) => {
    // The message may quote what a client sent: only the kind and the place in the code go to the log.
    const at = error.stack?.match(/^\s+at (.*)$/m)?.[1] ?? null;
    deps.log.error('admin.failed', { method: context.req.method, error: error.name, at });
    return problemResponse(problem(500, 'internal', 'mailhook failed to answer: see its log'));
  });
  return app;
}

function allRoutes(version: string): readonly Route[] {
  const routes = [...accountRoutes, ...webhookRoutes, ...messageRoutes, ...deliveryRoutes, ...statusRoutes];
  const document = (): Promise<Record<string, unknown>> => Promise.resolve(described);
  const openApi = defineRoute(
    {
      method: 'get',
      path: '/v1/openapi.json',
      summary: 'This document',
      answer: { name: 'OpenApi', schema: z.record(z.string(), z.unknown()) },
      refusals: [],
    },
    document,
  );
  const described = openApiDocument([...routes, openApi], version);
  return [...routes, openApi];
}

function respond(deps: AdminDeps, route: Route, context: Context): Promise<Response> {
  const [id] = Object.values(context.req.param());
  return route.run(deps, {
    id: id ?? '',
    query: context.req.query(),
    contentType: context.req.header('content-type') ?? null,
    body: () => readText(context.req.raw),
  });
}

function honoPath(path: string): string {
  return path.replace(/\{(\w+)\}/g, ':$1');
}

function methodsByPath(routes: readonly Route[]): Map<string, string[]> {
  const byPath = new Map<string, string[]>();
  for (const { spec } of routes) {
    const path = honoPath(spec.path);
    byPath.set(path, [...(byPath.get(path) ?? []), spec.method.toUpperCase()]);
  }
  return byPath;
}

function methodNotAllowed(context: Context, methods: readonly string[]): Response {
  const detail = `${context.req.method} ${context.req.path} is not possible: use ${methods.join(' or ')}`;
  return problemResponse(problem(405, 'method-not-allowed', detail, { allow: methods.join(', ') }));
}
