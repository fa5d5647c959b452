import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AdminWorld, type Answer, accountBody, createAdminWorld } from '../../support/admin-world.ts';

const PASSWORD = 'p4ssw0rd-Zx81';
const HEADER_VALUE = 'Bearer h34der-Qy92';
const KEY = Buffer.alloc(32, 0x5a).toString('base64');
const HIDDEN = [PASSWORD, HEADER_VALUE];
/** The only answers that may hold a webhook's secret. */
const SECRET_ROUTES = /^(POST \/v1\/webhooks|POST \S+\/rotate-secret|GET \S+\/secret)$/;

let world: AdminWorld;
let accountId: string;
beforeAll(async () => {
  world = await createAdminWorld();
  accountId = (await world.call('POST', '/v1/accounts', accountBody({ password: PASSWORD }))).body.id;
  await world.call('POST', '/v1/webhooks', {
    url: 'http://127.0.0.1:3000/',
    name: 'crm',
    headers: { Authorization: HEADER_VALUE },
    secret: `whsec_${KEY}`,
  });
  await world.commit(accountId, ['one']);
});
afterAll(() => world.close());

function expectNoSecret(answer: Answer, route: string): void {
  for (const secret of HIDDEN) expect(answer.text, route).not.toContain(secret);
  if (!SECRET_ROUTES.test(route)) expect(answer.text, route).not.toContain(KEY);
}

describe('secrets', () => {
  it('are in no answer of any route, with whatever method and body', async () => {
    const paths = [...new Set(world.app.routes.map(({ path }) => path))].filter((path) =>
      path.startsWith('/v1'),
    );
    expect(paths.length).toBeGreaterThan(20);
    const variables: Readonly<Record<string, string>> = {
      account: 'ana',
      webhook: 'crm',
      message: 'x',
      delivery: 'x',
    };
    const bodies = [
      undefined,
      {},
      accountBody({ password: PASSWORD }),
      { password: [PASSWORD] },
      { [PASSWORD]: 1 },
    ];
    for (const path of paths) {
      const target = path.replace(/:(\w+)/g, (_match, name: string) => variables[name] ?? 'x');
      for (const method of ['GET', 'PUT', 'PATCH', 'POST']) {
        for (const body of method === 'GET' ? [undefined] : bodies) {
          const answer = await world.call(method, target, body);
          // The one place where the text is echoed is the key's own name, which is no secret.
          if (body !== undefined && PASSWORD in body) continue;
          expectNoSecret(answer, `${method} ${target}`);
        }
      }
    }
    expect(JSON.stringify(world.logged)).not.toContain(PASSWORD);
  });

  it('are not repeated by a refusal, wherever in the body they stand', async () => {
    const fields = Object.keys(accountBody()).concat([
      'port',
      'start',
      'onDelivered',
      'mailboxes',
      'caPem',
      'oauth',
    ]);
    const wrong = fc.constantFrom<unknown>([PASSWORD], { a: PASSWORD }, `${PASSWORD}\n`, [[PASSWORD]]);
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...fields), wrong, async (field, value) => {
        const answer = await world.call(
          'POST',
          '/v1/accounts',
          accountBody({ username: 'eve', [field]: value }),
        );
        fc.pre(answer.status >= 400);
        expectNoSecret(answer, `POST /v1/accounts with ${field}`);
      }),
      { numRuns: 60 },
    );
  });

  it('are not repeated by a refusal of headers and secrets of webhooks', async () => {
    for (const change of [
      { headers: { Authorization: `${HEADER_VALUE}\n` } },
      { headers: { Authorization: [HEADER_VALUE] } },
      { headers: HEADER_VALUE },
      { secret: KEY },
      { secret: `whsec_${KEY}${KEY}` },
      { secret: [KEY] },
    ]) {
      const answer = await world.call('POST', '/v1/webhooks', { url: 'http://127.0.0.1:3000/', ...change });
      expect(answer.status).toBe(400);
      expect(answer.text).not.toContain(HEADER_VALUE);
      expect(answer.text).not.toContain(KEY);
    }
  });
});
