import { createHmac, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Envelope, MessageData } from '../../shared/event.ts';

/** A request as the demo's receiver saw it. */
export interface Taken {
  readonly id: string;
  /** 1 for the first request with this id. */
  readonly attempt: number;
  readonly verified: boolean;
  readonly status: number;
  readonly event: Envelope<MessageData>;
}

/** The demo's receiver, listening. */
export interface DemoReceiver {
  readonly url: string;
  close(): Promise<void>;
}

const MAX_BODY_BYTES = 2 * 1024 * 1024;

/** A webhook receiver that verifies every signature and answers as it is told. */
export async function startDemoReceiver(
  secret: () => string,
  decide: (event: Envelope<MessageData>, attempt: number) => number,
  onTaken: (taken: Taken) => void,
): Promise<DemoReceiver> {
  const attempts = new Map<string, number>();
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of request as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > MAX_BODY_BYTES) return void response.writeHead(413).end();
      chunks.push(chunk);
    }
    const body = Buffer.concat(chunks);
    const id = String(request.headers['webhook-id']);
    const attempt = (attempts.get(id) ?? 0) + 1;
    attempts.set(id, attempt);
    const verified = verify(secret(), request.headers, body);
    const event = JSON.parse(body.toString()) as Envelope<MessageData>;
    const status = verified ? decide(event, attempt) : 401;
    response.writeHead(status).end();
    onTaken({ id, attempt, verified, status, event });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mail`,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** The ten lines of the README, with headers as node:http gives them. */
function verify(secret: string, headers: IncomingHttpHeaders, body: Buffer): boolean {
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  const timestamp = String(headers['webhook-timestamp']);
  if (!(Math.abs(Date.now() / 1000 - Number(timestamp)) <= 300)) return false;
  const signed = `${headers['webhook-id']}.${timestamp}.`;
  const expected = createHmac('sha256', key).update(signed).update(body).digest();
  return String(headers['webhook-signature'])
    .split(' ')
    .some((one) => {
      const given = Buffer.from(one.slice(3), 'base64');
      return one.startsWith('v1,') && given.length === expected.length && timingSafeEqual(given, expected);
    });
}
