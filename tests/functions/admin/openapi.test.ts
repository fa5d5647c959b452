import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AdminWorld, createAdminWorld } from '../../support/admin-world.ts';

type Json = Record<string, unknown>;
interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly required: boolean }[];
  readonly responses: Json;
}
interface Document {
  readonly openapi: string;
  readonly info: Json;
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: { readonly schemas: Json };
}

let world: AdminWorld;
let document: Document;
beforeAll(async () => {
  world = await createAdminWorld();
  document = (await world.call('GET', '/v1/openapi.json')).body as unknown as Document;
});
afterAll(() => world.close());

const operations = (): [string, string, Operation][] =>
  Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]): [string, string, Operation] => [path, method, operation]),
  );

function references(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(references);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, part]) => (key === '$ref' ? [String(part)] : references(part)));
}

describe('the OpenAPI document', () => {
  it('describes every route of the app, and no other', () => {
    const routes = world.app.routes
      .filter(({ method }) => method !== 'ALL')
      .map(({ method, path }) => `${method.toLowerCase()} ${path.replace(/:(\w+)/g, '{$1}')}`);
    const described = operations().map(([path, method]) => `${method} ${path}`);
    expect(described.sort()).toEqual(routes.sort());
    expect(described.length).toBe(30);
  });

  it('is OpenAPI 3.1 with what that asks of every operation', () => {
    expect(document.openapi).toBe('3.1.0');
    expect(document.info).toMatchObject({ title: 'mailhook', version: '1.2.3' });
    const ids = operations().map(([, , { operationId }]) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const [path, , operation] of operations()) {
      const declared = (operation.parameters ?? []).filter((parameter) => parameter.in === 'path');
      const variables = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      expect(declared.map(({ name }) => name)).toEqual(variables);
      expect(declared.every(({ required }) => required)).toBe(true);
      for (const response of Object.values(operation.responses)) {
        expect(response).toHaveProperty('description');
      }
    }
  });

  it('refers only to schemas it has, and leaves none unused', () => {
    const names = Object.keys(document.components.schemas).map((name) => `#/components/schemas/${name}`);
    expect([...new Set(references(document.paths))].sort()).toEqual(names.sort());
  });

  it('refuses unknown keys in every body', () => {
    const bodies = Object.entries(document.components.schemas).filter(([name]) =>
      /Create$|Update$|Replay$|^Poll$|^RotateSecret$/.test(name),
    );
    expect(bodies).toHaveLength(8);
    for (const [, schema] of bodies) expect(schema).toMatchObject({ additionalProperties: false });
  });

  it('has the password in what is sent and in nothing that is answered', () => {
    const { AccountCreate, Account, AccountUpdate } = document.components.schemas as Record<
      string,
      { properties: Json }
    >;
    expect(AccountCreate?.properties).toHaveProperty('password');
    expect(AccountUpdate?.properties).toHaveProperty('password');
    expect(Account?.properties).not.toHaveProperty('password');
  });
});
