import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { checkSignature, type SignatureCheck } from './sigv4.ts';

/** An answer instead of the real one. */
interface FakeAnswer {
  readonly status: number;
  readonly body: string;
}

/** A stack as CloudFormation knows it. */
interface FakeStack {
  readonly status: string;
  readonly outputs: Readonly<Record<string, string>>;
}

/** A request that came, and whom its signature stands for. */
interface SeenRequest {
  readonly host: string;
  readonly method: string;
  readonly target: string;
  readonly token: string | null;
  readonly signature: SignatureCheck;
}

/** One region of one AWS account: CloudFormation and Function URLs on one loopback port, as at a local emulator. */
export interface FakeAws {
  readonly endpoint: string;
  readonly stacks: Map<string, FakeStack>;
  readonly seen: SeenRequest[];
  /** Answers every request with a good signature to CloudFormation or to the Function URL, in place of what is there. */
  cloudFormation: FakeAnswer | null;
  functionUrl: FakeAnswer | null;
  close(): Promise<void>;
}

export const ACCESS_KEY_ID = 'AKIDFAKEAWSHUNTER2ID';
export const SECRET_ACCESS_KEY = 'hunter2/of+the+secret+access+key+0123456';
export const REGION = 'eu-central-1';
/** The host of the Function URL of the stack `mailhook`. */
export const FUNCTION_HOST = `abcdefghijklmnopqrstuvwxyz012345.lambda-url.${REGION}.on.aws`;
export const ACCESS_POLICY = 'arn:aws:iam::123456789012:policy/mailhook-Access';

type Api = (request: Request) => Response | Promise<Response>;

/** AWS with one stack, `mailhook`, whose API is this one. Signatures that are not right are refused as AWS does. */
export async function startFakeAws(api: Api): Promise<FakeAws> {
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => response.writeHead(599).end(String(error)));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const outputs = { AdminUrl: `https://${FUNCTION_HOST}/`, AdminAccessPolicy: ACCESS_POLICY };
  const fake: FakeAws = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stacks: new Map([['mailhook', { status: 'UPDATE_COMPLETE', outputs }]]),
    seen: [],
    cloudFormation: null,
    functionUrl: null,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(request);
    const { method = '', url: target = '' } = request;
    const headers = flat(request);
    const { host = '' } = headers;
    const signature = checkSignature({ method, target, headers, body }, secretOf);
    fake.seen.push({ host, method, target, token: headers['x-amz-security-token'] ?? null, signature });
    const isFunction = host === FUNCTION_HOST;
    const service = isFunction ? 'lambda' : 'cloudformation';
    const isGood = signature.ok && signature.region === REGION && signature.service === service;
    if (!isFunction) {
      const found = isGood ? describe(fake, body.toString('utf8')) : refused(signature);
      response.writeHead(found.status, { 'content-type': 'text/xml' }).end(found.body);
    } else if (!isGood || fake.functionUrl !== null) {
      const { status, body: text } = fake.functionUrl ?? { status: 403, body: '{"Message":"Forbidden"}' };
      response.writeHead(status, { 'content-type': 'application/json' }).end(text);
    } else {
      await pass(api, { method, target, headers, body }, response);
    }
  }

  return fake;
}

/** Hands a request to the API, and its answer back. */
async function pass(
  api: Api,
  sent: { method: string; target: string; headers: Record<string, string>; body: Buffer },
  response: ServerResponse,
): Promise<void> {
  const { method, target, headers, body } = sent;
  const init = { method, headers, ...(body.length > 0 && { body }) };
  const answered = await api(new Request(`https://${FUNCTION_HOST}${target}`, init));
  response.writeHead(answered.status, Object.fromEntries(answered.headers));
  response.end(Buffer.from(await answered.arrayBuffer()));
}

function secretOf(accessKeyId: string): string | null {
  return accessKeyId === ACCESS_KEY_ID ? SECRET_ACCESS_KEY : null;
}

function flat({ headers }: IncomingMessage): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
}

function refused(signature: SignatureCheck): FakeAnswer {
  const isUnknown = !signature.ok && signature.reason === 'unknown access key';
  return isUnknown
    ? awsError(403, 'InvalidClientTokenId', 'The security token included in the request is invalid.')
    : awsError(403, 'SignatureDoesNotMatch', 'The request signature we calculated does not match.');
}

function describe(fake: FakeAws, form: string): FakeAnswer {
  if (fake.cloudFormation !== null) return fake.cloudFormation;
  const query = new URLSearchParams(form);
  const name = query.get('StackName') ?? '';
  const stack = fake.stacks.get(name);
  if (query.get('Action') !== 'DescribeStacks') return awsError(400, 'InvalidAction', 'No such action');
  if (stack === undefined) return awsError(400, 'ValidationError', `Stack with id ${name} does not exist`);
  const outputs = Object.entries(stack.outputs).map(
    ([key, value]) => `<member><OutputKey>${key}</OutputKey><OutputValue>${value}</OutputValue></member>`,
  );
  return {
    status: 200,
    body:
      '<DescribeStacksResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><DescribeStacksResult>' +
      `<Stacks><member><StackName>${name}</StackName><StackStatus>${stack.status}</StackStatus>` +
      `<CreationTime>2026-01-01T00:00:00.000Z</CreationTime><Outputs>${outputs.join('')}</Outputs></member></Stacks>` +
      '</DescribeStacksResult></DescribeStacksResponse>',
  };
}

/** An error as CloudFormation's Query API sends it. */
export function awsError(status: number, code: string, message: string): FakeAnswer {
  const error = `<Type>Sender</Type><Code>${code}</Code><Message>${message}</Message>`;
  return { status, body: `<ErrorResponse><Error>${error}</Error><RequestId>1</RequestId></ErrorResponse>` };
}
