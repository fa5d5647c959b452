import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliWorld, createCliWorld, runInProcess, runMailhook } from '../support/cli.ts';

let world: CliWorld;
let empty: string;
beforeAll(async () => {
  world = await createCliWorld();
  empty = await mkdtemp(join(tmpdir(), 'mailhook-empty-'));
});
afterAll(async () => {
  await world.close();
  await rm(empty, { recursive: true, force: true });
});

/** A port on which nothing listens. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function withServer(answer: Parameters<typeof createServer>[1], test: (url: string) => Promise<void>) {
  const server: Server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    await test(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

describe('a server that is not running', () => {
  it('is said to be so in one line, and as a problem with --json', async () => {
    const port = await freePort();
    const env = { MAILHOOK_PORT: String(port), MAILHOOK_DATA: empty };
    const line = `Cannot reach mailhook at http://127.0.0.1:${port}: is it running? Start it with npm start`;
    expect(await runMailhook(['status'], { env })).toEqual({ code: 1, stdout: '', stderr: `${line}\n` });
    const { code, stdout, stderr } = await runInProcess(['accounts', 'list', '--json'], { env });
    expect({ code, stderr }).toEqual({ code: 1, stderr: `${line}\n` });
    expect(JSON.parse(stdout)).toMatchObject({ code: 'unreachable', detail: line });
  });
});

describe('the token', () => {
  it('that is wrong or missing is told apart, with where it was looked for', async () => {
    const missing = await world.run(['status'], { env: { MAILHOOK_DATA: empty } });
    expect(missing.code).toBe(1);
    expect(missing.stderr).toBe(
      `There is no token in ${join(empty, 'token')}: is MAILHOOK_DATA the data folder of that server?\n`,
    );
    const wrong = await world.run(['status', '--json'], { env: { MAILHOOK_TOKEN: 'wrong-token-hunter2' } });
    expect(JSON.parse(wrong.stdout)).toMatchObject({ code: 'unauthorized', status: 401 });
    expect(wrong.stderr).toBe(
      'The server refuses the token of MAILHOOK_TOKEN: give the one in the file "token" of its data folder\n',
    );
    expect(wrong.stdout + wrong.stderr).not.toContain('hunter2');
  });

  it('of the data folder never leaves this machine', async () => {
    await writeFile(join(empty, 'token'), 'token-of-the-data-folder-0123456789');
    const seen: (string | undefined)[] = [];
    await withServer(
      (request, response) => {
        seen.push(request.headers.authorization);
        response.end('{"data":[],"next":null}');
      },
      async (url) => {
        const env = { MAILHOOK_DATA: empty };
        await runInProcess(['accounts', 'list'], { env: { ...env, MAILHOOK_URL: url } });
        const other = url.replace('127.0.0.1', '0.0.0.0');
        await runInProcess(['accounts', 'list'], { env: { ...env, MAILHOOK_URL: other } });
        await runInProcess(['accounts', 'list'], {
          env: { ...env, MAILHOOK_URL: other, MAILHOOK_TOKEN: 'named' },
        });
      },
    );
    expect(seen).toEqual(['Bearer token-of-the-data-folder-0123456789', undefined, 'Bearer named']);
  });
});

describe('a server that is another one', () => {
  it.each([
    [404, '<html>not found</html>'],
    [302, ''],
    [500, '{"error":"x"}'],
    [200, '<html>'],
  ])('and answers %i %s is recognised', async (status, text) => {
    await withServer(
      (_request, response) => {
        response.writeHead(status, { location: 'http://127.0.0.1:1/' }).end(text);
      },
      async (url) => {
        const run = await runInProcess(['status'], { env: { MAILHOOK_URL: url, MAILHOOK_DATA: empty } });
        expect(run).toMatchObject({ code: 1, stdout: '' });
        expect(run.stderr).toMatch(/^[^\n]*is MAILHOOK_URL right\?\n$/);
      },
    );
  });

  it('and listens on MAILHOOK_PORT is recognised by the name of that', async () => {
    await withServer(
      (_request, response) => response.end('<html>'),
      async (url) => {
        const env = { MAILHOOK_PORT: new URL(url).port, MAILHOOK_DATA: empty };
        const run = await runInProcess(['status'], { env });
        expect(run.stderr).toBe('The answer is not JSON: is MAILHOOK_PORT right?\n');
      },
    );
  });

  it('and cuts its answer is reported, not taken for an answer', async () => {
    await withServer(
      (_request, response) => {
        response.writeHead(200, { 'content-length': '100' });
        response.write('{"version":', () => response.destroy());
      },
      async (url) => {
        const run = await runInProcess(['status', '--json'], {
          env: { MAILHOOK_URL: url, MAILHOOK_DATA: empty },
        });
        expect(run.code).toBe(1);
        expect(JSON.parse(run.stdout)).toMatchObject({ code: 'unreachable' });
      },
    );
  });
});
