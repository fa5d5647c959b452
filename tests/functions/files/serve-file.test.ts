import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answerRequest } from '../../../functions/files/answer-request.ts';
import { type Cutter, createCutter } from '../../../functions/files/cutter.ts';
import type { FilesDeps } from '../../../functions/files/deps.ts';
import { type FileAnswer, serveFile } from '../../../functions/files/serve-file.ts';
import { startPop3Server } from '../../../local/demo/pop3-server.ts';
import type { Envelope, EventRecord, MessageData } from '../../../shared/event.ts';
import { type AttachedMail, attachedMails } from '../../support/attached-mails.ts';
import { openPollWorld, PASSWORD, type PollWorld } from '../../support/poll-world.ts';
import { createRecordingLog } from '../../support/recording-log.ts';

const MAILS = attachedMails();
const DAY_MS = 86_400_000;

let world: PollWorld;
let cutter: Cutter;
let folder: string;
let deps: FilesDeps;
const events = new Map<string, { readonly record: EventRecord; readonly data: MessageData }>();

beforeAll(async () => {
  const server = await startPop3Server({ users: { ana: { password: PASSWORD } } });
  world = await openPollWorld();
  folder = mkdtempSync(join(tmpdir(), 'mailhook-cutter-'));
  const { store, blobs } = world.embedded;
  cutter = await createCutter({ blobs, folder: join(folder, 'downloads') });
  const log = createRecordingLog();
  deps = { store, blobs, cutter, presign: null, linkDays: 30, clock: world.clock, log };
  const { id } = await world.add({ protocol: 'pop3', port: server.port, username: 'ana' });
  for (const { raw } of MAILS) server.add('ana', raw);
  await world.poll(id);
  for (const { event: record } of await world.messages()) {
    const body = Buffer.from(await blobs.read(record.body)).toString();
    const { data } = JSON.parse(body) as Envelope<MessageData>;
    events.set(data.subject ?? '', { record, data });
  }
  await server.close();
});
afterAll(async () => {
  await cutter.close();
  await world[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

function eventOf(subject: string) {
  const event = events.get(subject);
  if (event === undefined) throw new Error(`There is no event of "${subject}"`);
  return event;
}

const pathOf = (href: string | null | undefined) => new URL(href ?? '').pathname;
const attachmentPath = (subject: string) => pathOf(eventOf(subject).data.attachments[0]?.href);
const rawPath = (subject: string) => pathOf(eventOf(subject).data.raw.href);

interface Sent {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly change?: Partial<FilesDeps>;
}

async function ask(path: string, { method = 'GET', headers = {}, change = {} }: Sent = {}) {
  const answer = await serveFile({ ...deps, ...change }, { method, path, headers });
  return { ...answer, body: await bytesOf(answer) };
}

async function bytesOf({ body }: FileAnswer): Promise<Buffer> {
  return body instanceof Readable ? await buffer(body) : Buffer.from(body ?? '');
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

describe('serveFile()', () => {
  it.each<AttachedMail>(MAILS)(
    'serves the bytes of "$subject" that the event describes',
    async ({ subject, raw }) => {
      const { data } = eventOf(subject);
      for (const attachment of data.attachments) {
        const answer = await ask(pathOf(attachment.href));
        expect(answer.status).toBe(200);
        expect(answer.headers['content-length']).toBe(String(attachment.size));
        expect(answer.headers.etag).toBe(`"${attachment.sha256}"`);
        expect(sha256(answer.body)).toBe(attachment.sha256);
      }
      expect((await ask(rawPath(subject))).body.equals(raw)).toBe(true);
    },
  );

  it('answers every link that does not work alike', async () => {
    const gone = await ask('/files/nothing');
    expect(gone.status).toBe(404);
    const { record } = eventOf('base64');
    const other = eventOf('html').record;
    const token = record.linkToken ?? '';
    const altered = `${token.startsWith('A') ? 'B' : 'A'}${token.slice(1)}`;
    const paths = [
      `/files/${record.id}/${altered}/raw`,
      `/files/${record.id}/${randomBytes(16).toString('base64url')}/raw`,
      // The token of another message.
      `/files/${record.id}/${other.linkToken}/raw`,
      `/files/msg_${'a'.repeat(26)}/${token}/raw`,
      `/files/${record.id}/${altered}/attachments/1`,
      `/files/${record.id}/${token}/attachments/2`,
      `/files/${record.id}/${token}/attachments/999`,
      `/files/${record.id}/${token}/`,
      `/files/${record.id}/`,
      `/files/${record.id}`,
      '/files/',
    ];
    for (const path of paths) {
      for (const method of ['GET', 'HEAD']) expect(await ask(path, { method }), path).toEqual(gone);
    }
  });

  it('answers an expired link like one that never was, and the last moment before with the file', async () => {
    const path = attachmentPath('base64');
    const committedMs = Date.parse(eventOf('base64').record.committedAt);
    const at = (ms: number) => ({
      change: { clock: { now: () => new Date(committedMs + ms) }, linkDays: 2 },
    });
    expect((await ask(path, at(2 * DAY_MS - 1))).status).toBe(200);
    expect(await ask(path, at(2 * DAY_MS))).toEqual(await ask('/files/nothing'));
  });

  it('lists nothing and takes nothing: other methods are refused, whatever the link', async () => {
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PROPFIND']) {
      expect(await ask(rawPath('base64'), { method })).toMatchObject({
        ...{ status: 405, headers: { allow: 'GET, HEAD' } },
      });
    }
  });

  it('gives ranges, and refuses those behind the end', async () => {
    const path = attachmentPath('base64');
    const whole = (await ask(path)).body;
    const last = await ask(path, { headers: { range: 'bytes=-5' } });
    expect([last.status, last.headers['content-range']]).toEqual([206, 'bytes 99995-99999/100000']);
    expect(last.body.equals(whole.subarray(-5))).toBe(true);
    const behind = await ask(path, { headers: { range: 'bytes=100000-' } });
    expect([behind.status, behind.headers['content-range']]).toEqual([416, 'bytes */100000']);
  });

  it('gives the whole file to who asks for the rest of another one', async () => {
    const path = attachmentPath('base64');
    const { etag = '' } = (await ask(path)).headers;
    const rest = (condition: string) => ask(path, { headers: { range: 'bytes=1-', 'if-range': condition } });
    expect((await rest(etag)).status).toBe(206);
    expect((await rest('"another"')).status).toBe(200);
    expect((await rest('Wed, 25 Nov 2026 08:00:00 GMT')).status).toBe(200);
  });

  it('sends nothing to who has it already', async () => {
    const path = attachmentPath('base64');
    const { etag = '' } = (await ask(path)).headers;
    expect(await ask(path, { headers: { 'if-none-match': etag } })).toMatchObject({ status: 304 });
  });

  it('redirects to where the raw mail lies as an object, and cuts attachments all the same', async () => {
    const presigned: unknown[] = [];
    const presign: FilesDeps['presign'] = async (ref, as) => {
      presigned.push({ ref, ...as });
      return new URL('https://bucket.example.com/raw/1?signature=x');
    };
    const answer = await ask(rawPath('html'), { change: { presign } });
    expect(answer).toMatchObject({
      status: 302,
      headers: { location: 'https://bucket.example.com/raw/1?signature=x', 'cache-control': 'no-store' },
    });
    const { record } = eventOf('html');
    expect(presigned).toMatchObject([
      {
        ref: record.raw,
        contentType: 'message/rfc822',
        disposition: `attachment; filename="${record.id}.eml"`,
      },
    ]);
    // A presigned URL is for GET alone.
    expect((await ask(rawPath('html'), { method: 'HEAD', change: { presign } })).status).toBe(200);
    expect((await ask(attachmentPath('html'), { change: { presign } })).status).toBe(200);
  });

  it('never gives other bytes than the event describes', async () => {
    const log = createRecordingLog();
    const swapped: Cutter = {
      ...cutter,
      cut: async (source, ids) => {
        const cut = await cutter.cut(source, ids);
        if (cut.kind !== 'cut') return cut;
        const parts = [...cut.parts].map(([id, part]) => [id, { ...part, sha256: 'other' }] as const);
        return { ...cut, parts: new Map(parts) };
      },
    };
    const answer = await ask(attachmentPath('base64'), { change: { cutter: swapped, log } });
    expect(answer.status).toBe(500);
    expect(log.lines.map(({ event }) => event)).toEqual(['files.not-cut']);
    expect(JSON.stringify(log.lines)).not.toContain(eventOf('base64').record.linkToken);
    expect(readdirSync(join(folder, 'downloads'))).toEqual([]);
  });

  it('keeps no file of a download that was broken off', async () => {
    const { body } = await serveFile(deps, { method: 'GET', path: attachmentPath('base64'), headers: {} });
    if (!(body instanceof Readable)) throw new Error('There is no stream');
    expect(readdirSync(join(folder, 'downloads'))).toHaveLength(1);
    const closed = new Promise((resolve) => body.once('close', resolve));
    body.destroy();
    await closed;
    // Cutting waits for its turn, and so for the file to be gone.
    while (readdirSync(join(folder, 'downloads')).length > 0) await new Promise(setImmediate);
  });

  it('asks to come again when too many wait', async () => {
    const busy: Cutter = { ...cutter, cut: async () => ({ kind: 'busy' }) };
    expect(await ask(attachmentPath('base64'), { change: { cutter: busy } })).toMatchObject({
      ...{ status: 503, headers: { 'retry-after': '10' } },
    });
  });

  it('answers a fault of its own with a 500, and logs no link', async () => {
    const log = createRecordingLog();
    const path = rawPath('base64');
    const blobs = { ...deps.blobs, read: () => Promise.reject(new Error(`Cannot read ${path}`)) };
    const answer = await answerRequest({ ...deps, blobs, log }, { method: 'GET', path, headers: {} });
    expect(answer.status).toBe(500);
    expect(log.lines.map(({ event }) => event)).toEqual(['files.failed']);
    expect(JSON.stringify(log.lines)).not.toContain(eventOf('base64').record.linkToken);
  });

  it('revokes the links of a removed account', async () => {
    const path = rawPath('base64');
    expect((await ask(path)).status).toBe(200);
    await world.embedded.store.removeAccount(eventOf('base64').record.accountId);
    expect(await ask(path)).toEqual(await ask('/files/nothing'));
  });
});
