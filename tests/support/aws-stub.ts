import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request as the SDK sent it. */
export interface StubRequest {
  /** The operation of the JSON protocols, `AmazonSQS.SendMessageBatch`; else empty. */
  readonly target: string;
  readonly path: string;
  readonly body: Record<string, unknown>;
}

/** What the stub answers: 200 with a body, an error by its status and AWS's code, or nothing. */
export type StubAnswer =
  | { readonly body: unknown; readonly headers?: Readonly<Record<string, string>> }
  | { readonly status: number; readonly code: string }
  /** The connection is reset in place of an answer. */
  | { readonly kind: 'reset' };

/** An AWS of one answer for each request, on loopback: for what a real one cannot be made to say. */
export interface AwsStub extends AsyncDisposable {
  readonly requests: readonly StubRequest[];
  /** What a client is built with: the stub's address, credentials that mean nothing, no second try. */
  readonly clientOptions: {
    readonly endpoint: string;
    readonly region: string;
    readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
    readonly maxAttempts: number;
  };
}

/** Starts a stub; `answer` may be changed by what it closes over. */
export async function startAwsStub(answer: (request: StubRequest) => StubAnswer): Promise<AwsStub> {
  const requests: StubRequest[] = [];
  const server = createServer(async (incoming, response) => {
    const request = await readRequest(incoming);
    requests.push(request);
    const answered = answer(request);
    if ('kind' in answered) {
      incoming.socket.resetAndDestroy();
    } else if ('body' in answered) {
      response.writeHead(200, { 'content-type': 'application/x-amz-json-1.0', ...answered.headers });
      response.end(JSON.stringify(answered.body));
    } else {
      response.writeHead(answered.status, { 'x-amzn-errortype': answered.code });
      response.end(JSON.stringify({ __type: answered.code, message: 'as the test wants it' }));
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    requests,
    clientOptions: {
      endpoint: `http://127.0.0.1:${port}`,
      region: 'us-east-1',
      credentials: { accessKeyId: 'stub', secretAccessKey: 'stub' },
      maxAttempts: 1,
    },
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

async function readRequest(incoming: IncomingMessage): Promise<StubRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString('utf8');
  return {
    target: String(incoming.headers['x-amz-target'] ?? ''),
    path: incoming.url ?? '',
    body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>),
  };
}
