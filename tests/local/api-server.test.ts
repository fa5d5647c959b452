import { once } from 'node:events';
import { request } from 'node:http';
import { connect, createServer } from 'node:net';
import { Hono } from 'hono';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ApiServer, type ApiServerOptions, startApiServer } from '../../local/api-server.ts';

const TOKEN = 'token-of-this-test-0123456789';
let server: ApiServer;
let status: unknown;
beforeEach(async () => {
  status = null;
  server = await startApiServer({ app: stubApi(), port: 0, token: TOKEN });
});
afterEach(() => server.close());

/** An API that answers everything, so that what is refused is refused by the server. */
function stubApi(): Hono {
  const app = new Hono();
  app.get('/v1/status', (context) => (status === null ? context.text('', 500) : context.json(status)));
  app.all('/v1/*', async (context) => context.text(`reached with ${await context.req.text()}`));
  return app;
}

interface Reply {
  readonly status: number;
  readonly text: string;
  readonly headers: NodeJS.Dict<string | string[]>;
}

function send(path: string, headers: Record<string, string> = {}, method = 'GET', body = ''): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const sent = request(
      { host: '127.0.0.1', port: server.port, path, method, headers, agent: false },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            text: Buffer.concat(chunks).toString('utf8'),
            headers: response.headers,
          }),
        );
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

const bearer = { authorization: `Bearer ${TOKEN}` };

describe('the token', () => {
  it('opens the API', async () => {
    const reply = await send('/v1/accounts', bearer, 'POST', 'a body');
    expect(reply).toMatchObject({ status: 200, text: 'reached with a body' });
  });

  it.each([
    [{}],
    [{ authorization: TOKEN }],
    [{ authorization: `Basic ${TOKEN}` }],
    [{ authorization: 'Bearer ' }],
    [{ authorization: `Bearer ${TOKEN}x` }],
    [{ authorization: `Bearer ${TOKEN.slice(0, -1)}` }],
    [{ cookie: `token=${TOKEN}` }],
  ])('is needed: %j does not do', async (headers: Record<string, string>) => {
    const reply = await send('/v1/accounts', headers);
    expect(reply.status).toBe(401);
    expect(reply.headers['www-authenticate']).toBe('Bearer');
    expect(JSON.parse(reply.text)).toMatchObject({ code: 'unauthorized' });
    expect(reply.text).not.toContain(TOKEN);
  });

  it.each([
    '/v1',
    '/v1/',
    '//v1/accounts',
    '/./v1/accounts',
    '/%76%31/accounts',
    '/V1/accounts',
    `/v1/accounts?token=${TOKEN}`,
  ])('is not got around by the path %s', async (path) => {
    const reply = await send(path);
    expect([401, 404]).toContain(reply.status);
    expect(reply.text).not.toContain('reached');
  });

  it('is not got around by another method', async () => {
    for (const method of ['HEAD', 'OPTIONS', 'PUT', 'DELETE']) {
      expect((await send('/v1/accounts', {}, method)).status).toBe(401);
    }
  });
});

describe('a page of another site', () => {
  it('that rebinds its name to this machine is refused, with the token or without', async () => {
    for (const host of [
      'evil.example',
      `evil.example:${server.port}`,
      '127.0.0.1:1',
      '127.0.0.1',
      'localhost',
    ]) {
      for (const path of ['/', '/v1/accounts']) {
        const reply = await send(path, { ...bearer, host });
        expect([400, 403], `${host} ${path}`).toContain(reply.status);
        expect(reply.text).not.toContain('reached');
      }
    }
  });

  it('is not helped by a request without a Host or with two of them', async () => {
    const lines = ['GET /v1/accounts HTTP/1.1', `Authorization: Bearer ${TOKEN}`];
    const own = `Host: 127.0.0.1:${server.port}`;
    for (const hosts of [[], ['Host: '], [own, 'Host: evil.example'], ['Host: evil.example', own]]) {
      const socket = connect({ host: '127.0.0.1', port: server.port });
      socket.end(`${[...lines, ...hosts, 'Connection: close'].join('\r\n')}\r\n\r\n`);
      const chunks: Buffer[] = [];
      for await (const chunk of socket) chunks.push(chunk as Buffer);
      const reply = Buffer.concat(chunks).toString('utf8');
      expect(reply, hosts.join()).toMatch(/^HTTP\/1\.1 (400|403) /);
      expect(reply).not.toContain('reached');
    }
  });

  it.each(['127.0.0.1', 'localhost', '[::1]', 'LOCALHOST'])(
    'cannot have the name %s, which is served',
    async (name) => {
      expect((await send('/v1/accounts', { ...bearer, host: `${name}:${server.port}` })).status).toBe(200);
    },
  );

  it('is given no permission to read answers', async () => {
    const reply = await send('/v1/accounts', { ...bearer, origin: 'https://evil.example' });
    expect(reply.headers['access-control-allow-origin']).toBeUndefined();
  });
});

describe('the status page', () => {
  it('shows counts and what to do next, under a policy that loads and runs nothing', async () => {
    status = {
      version: '1.2.3',
      accounts: { active: 2, paused: 0 },
      messages: { pending: 7, oldestPendingSeconds: 3 },
      deliveries: { pending: 0 },
      lastTickAt: null,
      warnings: [{ code: 'x', message: '<script>alert(1)</script>' }],
    };
    const reply = await send('/');
    expect(reply.status).toBe(200);
    expect(reply.text).toContain('2 active');
    expect(reply.text).toContain('7 pending');
    expect(reply.text).toContain('mailhook messages list');
    expect(reply.text).not.toContain('mailhook accounts add');
    expect(reply.text).not.toContain('<script');
    expect(reply.text).not.toMatch(/(src|href)=/);
    expect(reply.headers['content-security-policy']).toMatch(
      /^default-src 'none'; style-src 'sha256-[^']+'; /,
    );
    expect(reply.headers['content-security-policy']).not.toContain('unsafe');
    expect(reply.headers['x-content-type-options']).toBe('nosniff');
  });

  it('shows the first steps as long as there is no account', async () => {
    status = { version: '1.2.3', accounts: { active: 0, paused: 0 }, warnings: [] };
    const { text } = await send('/');
    expect(text).toContain('mailhook webhooks add');
    expect(text).toContain('mailhook accounts add');
  });

  it('says so when the status cannot be read', async () => {
    expect(await send('/')).toMatchObject({ status: 500 });
  });
});

describe('listening', () => {
  it('names the port that is in use and the setting that changes it', async () => {
    const second = startApiServer({ app: stubApi(), port: server.port, token: TOKEN });
    await expect(second).rejects.toMatchObject({
      name: 'ApiServerError',
      message: `Cannot listen on 127.0.0.1:${server.port}: the port is in use; set MAILHOOK_PORT to another one`,
    });
  });

  it.each(['0.0.0.0', '::', '192.168.1.2', ''])('beyond this machine, on %j, is refused', async (host) => {
    const options = { app: stubApi(), port: 0, token: TOKEN, host } as unknown as ApiServerOptions;
    await expect(startApiServer(options)).rejects.toMatchObject({ name: 'ApiServerError' });
  });

  it('serves 127.0.0.1 alone, and no other address of the machine', async () => {
    const other = connect({ host: '127.0.0.2', port: server.port });
    const [error] = (await once(other, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toBe('ECONNREFUSED');
  });
});

describe('closing', () => {
  it('lets an answer that is under way end, and frees the port', async () => {
    const gate = Promise.withResolvers<void>();
    const reached = Promise.withResolvers<void>();
    const app = new Hono().get('/v1/slow', async (context) => {
      reached.resolve();
      await gate.promise;
      return context.text('done');
    });
    const slow = await startApiServer({ app, port: 0, token: TOKEN });
    const answer = fetch(`${slow.url}/v1/slow`, { headers: bearer });
    await reached.promise;
    const closed = slow.close();
    gate.resolve();
    expect(await (await answer).text()).toBe('done');
    await closed;

    const again = createServer().listen(slow.port, '127.0.0.1');
    await once(again, 'listening');
    again.close();
  });

  it('does not wait for a connection that keeps silent', async () => {
    const idle = connect({ host: '127.0.0.1', port: server.port });
    await once(idle, 'connect');
    await server.close();
    await once(idle, 'close');
  });
});
