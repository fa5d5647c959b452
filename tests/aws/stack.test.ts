import { request } from 'node:https';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { openStack, openStackWith, type StackWorld } from '../support/stack-world.ts';

const aws = inject('miniStack');
const PASSWORD = { stdin: 'secret\n' };
const account = (name: string, host: string) => [
  ...['accounts', 'add', name, '--protocol', 'imap', '--host', host, '--port', '9', '--security', 'none'],
  ...['--username', name, '--password-stdin'],
];

let stack: StackWorld;
beforeAll(async () => {
  stack = await openStack(aws);
});

/** A request to the Function URL as anybody on the internet could send it. */
function unsigned(path: string): Promise<{ status: number; body: string }> {
  const { host } = new URL(stack.outputs.AdminUrl ?? '');
  return new Promise((resolve, reject) => {
    const options = {
      host: '127.0.0.1',
      port: aws.port,
      path,
      ca: aws.ca,
      headers: { host },
      servername: 'localhost',
    };
    const sent = request(options, async (response) => {
      const chunks = await response.toArray();
      resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() });
    });
    sent.on('error', reject);
    sent.end();
  });
}

describe('the deployed stack', () => {
  it('answers signed requests at its Function URL, and refuses unsigned ones', async () => {
    expect(await stack.json(['status'])).toMatchObject({ accounts: { active: 0 } });
    const { status, body } = await unsigned('/v1/status');
    expect(status).toBe(403);
    expect(body).not.toContain('version');
  });

  it('refuses credentials that have not the rights for it', async () => {
    const stranger = { AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE', AWS_SECRET_ACCESS_KEY: 'x'.repeat(40) };
    const { code, stdout } = await stack.run(['status'], { env: stranger });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  });

  it('answers with a problem in one line where a message is not there', async () => {
    const { code, stderr } = await stack.run(['messages', 'raw', `msg_${'a'.repeat(26)}`]);
    expect(code).toBe(1);
    expect(stderr).toContain('There is no message');
  });

  it('says why a mailbox cannot be added, in the words of the function that tried', async () => {
    const { code, stderr } = await stack.run(account('nobody', '127.0.0.1'), PASSWORD);
    expect(code).toBe(1);
    expect(stderr).toMatch(/refused/i);
    expect(await stack.json(['accounts', 'list'])).toEqual({ data: [], next: null });
  });

  it('the schedule starts the tick', async () => {
    const lastTick = async () => (await stack.json<{ lastTickAt: string | null }>(['status'])).lastTickAt;
    while ((await lastTick()) === null) await new Promise(setImmediate);
    expect(Date.now() - Date.parse((await lastTick()) ?? '')).toBeLessThan(120_000);
  });

  it('without ranges to allow, neither loopback nor http is contacted', async () => {
    const strict = await openStackWith(aws, { name: 'strict', removalPolicy: 'destroy' });
    const refusedHost = await strict.run(account('ana', '127.0.0.1'), PASSWORD);
    expect(refusedHost.stderr).toContain('its address is loopback');
    const refusedUrl = await strict.run(['webhooks', 'add', 'http://hooks.example.com/mail']);
    expect(refusedUrl.stderr).toContain('"http:" is not allowed, use https:');
    expect([refusedHost.code, refusedUrl.code]).toEqual([1, 1]);
  });
});
