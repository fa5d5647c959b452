import { request } from 'node:http';
import { Webhook } from 'standardwebhooks';
import { afterEach, describe, expect, it } from 'vitest';
import { type Receiver, type ReceiverOptions, startReceiver } from './receiver.ts';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
let receiver: Receiver;

async function start(options: ReceiverOptions = {}): Promise<void> {
  receiver = await startReceiver(options);
}

afterEach(() => receiver.close());

/** The status of a signed POST; the error's code when there was none. */
function post(id: string, body: string, signed = body): Promise<number | string> {
  const at = new Date();
  const headers = {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
    'webhook-signature': new Webhook(SECRET).sign(id, at, signed),
  };
  return new Promise((resolve) => {
    request(receiver.url, { method: 'POST', headers, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    })
      .on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
      .end(body);
  });
}

describe('startReceiver()', () => {
  it('accepts what is signed, and keeps ids with the hashes of their bodies', async () => {
    await start({ secret: SECRET });
    expect(await post('msg_1', '{}')).toBe(200);
    expect(await post('msg_1', '{}')).toBe(200);
    const hash = '44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a';
    expect([...receiver.accepted]).toEqual([['msg_1', [hash, hash]]]);
    expect(receiver.requests.map(({ attempt }) => attempt)).toEqual([1, 2]);
    expect(receiver.faults).toEqual([]);
  });

  it('refuses a wrong signature with 401 and says so', async () => {
    await start({ secret: SECRET });
    expect(await post('msg_1', '{}', '{"other":1}')).toBe(401);
    expect(receiver.accepted.size).toBe(0);
    expect(receiver.faults).toEqual(['msg_1: No matching signature found']);
  });

  it('finds fault with an id that comes with other bytes', async () => {
    await start({ secret: SECRET });
    await post('msg_1', '{}');
    await post('msg_1', '[]');
    expect(receiver.faults).toEqual(['msg_1: other bytes than before']);
  });

  it('judges timestamps by the clock it is given', async () => {
    await start({ secret: SECRET, now: () => new Date('2020-01-01T00:00:00Z') });
    expect(await post('msg_1', '{}')).toBe(401);
    expect(receiver.faults).toEqual(['msg_1: timestamp out of tolerance']);
  });

  it('withholds answers until released', async () => {
    await start();
    receiver.withhold();
    let status: number | string | null = null;
    const posted = post('msg_1', '{}').then((answer) => {
      status = answer;
    });
    await receiver.whenReceived(1);
    expect([status, receiver.accepted.size]).toEqual([null, 0]);
    receiver.release();
    await Promise.all([posted, receiver.whenAccepted(1)]);
    expect(status).toBe(200);
  });

  it('resets when told, before and after the request', async () => {
    await start({ refuse: (connection) => connection === 1, answer: () => ({ kind: 'reset' }) });
    expect(await post('msg_1', '{}')).toBe('ECONNRESET');
    expect(receiver.requests).toHaveLength(0);
    expect(await post('msg_1', '{}')).toBe('ECONNRESET');
    expect(receiver.requests).toHaveLength(1);
    expect(receiver.accepted.size).toBe(0);
  });

  it('does not close without a word when an event is not what docs/schema says', async () => {
    await start();
    const data = { id: 'msg_1', text: null };
    expect(await post('msg_1', JSON.stringify({ type: 'message.received', timestamp: 'now', data }))).toBe(
      200,
    );
    await expect(receiver.close()).rejects.toThrow('not what docs/schema says: msg_1: ');
    await start();
  });
});
