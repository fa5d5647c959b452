import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { problemSchema } from '../../../functions/admin/common-schema.ts';
import { startApiServer } from '../../../local/api-server.ts';
import { type AdminWorld, accountBody, createAdminWorld } from '../../support/admin-world.ts';

let world: AdminWorld;
beforeAll(async () => {
  world = await createAdminWorld();
});
afterAll(() => world.close());

describe('a request that is not one', () => {
  it.each([
    ['{"password":"hunter2",', 400],
    ['hunter2', 400],
    ['', 400],
    ['null', 400],
    ['[]', 400],
    ['"hunter2"', 400],
    ['{"__proto__":{"name":"hunter2"}}', 400],
  ])('%s is refused without being repeated', async (body, status) => {
    const answer = await world.call('POST', '/v1/accounts', body);
    expect(answer.status).toBe(status);
    expect(answer.text).not.toContain('hunter2');
    expect(problemSchema.strict().safeParse(answer.body).success).toBe(true);
  });

  it('names each unknown key and each missing field', async () => {
    const { body } = await world.call('POST', '/v1/accounts', {
      name: 'ana',
      hots: 'x',
      passwort: 'hunter2',
    });
    expect(body).toMatchObject({
      type: 'urn:mailhook:problem:invalid-request',
      title: 'The request is not valid',
      status: 400,
      code: 'invalid-request',
      errors: [
        { path: 'host', message: 'is missing' },
        { path: 'username', message: 'is missing' },
        { path: 'hots', message: 'Unknown key "hots"' },
        { path: 'passwort', message: 'Unknown key "passwort"' },
      ],
    });
    expect(JSON.stringify(body)).not.toContain('hunter2');
  });

  it('with thousands of wrong keys gets a short answer', async () => {
    const keys = Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`k${index}`, index]));
    const answer = await world.call('POST', '/v1/accounts', accountBody(keys));
    expect(answer.body.errors).toHaveLength(20);
  });

  it('of more than 1 MiB is refused, whether or not it says its length', async () => {
    const body = JSON.stringify(accountBody({ caPem: 'x'.repeat(1_048_576) }));
    const headers = { 'content-length': String(body.length) };
    expect(await world.call('POST', '/v1/accounts', body, headers)).toMatchObject({
      status: 413,
      body: { code: 'too-large' },
    });
    expect((await world.call('POST', '/v1/accounts', body)).status).toBe(413);
  });

  it('that is not UTF-8 is refused, rather than read as something else', async () => {
    const body = Buffer.from(JSON.stringify(accountBody({ password: 'p\u00e4' })), 'latin1');
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body };
    expect((await world.app.request('/v1/accounts', init)).status).toBe(400);
  });

  it('in chunks, over a real connection, is read and limited like any other', async () => {
    const server = await startApiServer({ app: world.app, port: 0, token: 'token-of-this-test-0123456789' });
    const send = async (method: string, path: string, chunks: readonly string[]) => {
      const sent = request(`${server.url}${path}`, {
        method,
        headers: {
          authorization: 'Bearer token-of-this-test-0123456789',
          'content-type': 'application/json',
          'transfer-encoding': 'chunked',
        },
      });
      // The server answers and closes before it has read all of what is too large.
      sent.on('error', () => undefined);
      for (const chunk of chunks) sent.write(chunk);
      sent.end();
      const [response] = (await once(sent, 'response')) as [IncomingMessage];
      response.resume();
      return response.statusCode;
    };
    const url = JSON.stringify({ url: 'http://127.0.0.1:3000/', name: 'chunked' });
    expect(await send('POST', '/v1/webhooks', [url.slice(0, 9), url.slice(9)])).toBe(201);
    expect(await send('DELETE', '/v1/webhooks/chunked', [])).toBe(200);
    expect(
      await send(
        'POST',
        '/v1/webhooks',
        Array.from({ length: 17 }, () => ' '.repeat(65_536)),
      ),
    ).toBe(413);
    await server.close();
  });

  it('that is a form is told to be JSON', async () => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    expect(await world.call('POST', '/v1/accounts', 'name=ana', headers)).toMatchObject({
      status: 415,
      body: { code: 'unsupported-media-type' },
    });
  });

  it.each(['/v2/accounts', '/v1', '/v1/accounts/ana/drop', '/v1/nothing\u202e'])(
    'to %s finds no route',
    async (path) => {
      expect(await world.call('GET', path)).toMatchObject({ status: 404, body: { code: 'no-such-route' } });
    },
  );

  it('with a method that the route does not take is told which it takes', async () => {
    const answer = await world.call('PUT', '/v1/accounts/ana', {});
    expect(answer).toMatchObject({ status: 405, body: { code: 'method-not-allowed' } });
    expect(answer.headers.get('allow')).toBe('GET, PATCH, DELETE');
  });

  it('is answered by something no cache keeps', async () => {
    for (const path of ['/v1/status', '/v1/accounts/nobody']) {
      expect((await world.call('GET', path)).headers.get('cache-control')).toBe('no-store');
    }
  });
});
