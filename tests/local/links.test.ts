import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAdminApp } from '../../functions/admin/app.ts';
import { type ApiServer, startApiServer } from '../../local/api-server.ts';
import { type ImapServer, startImapServer } from '../../local/demo/imap-server.ts';
import { type Runtime, startRuntime } from '../../local/runtime.ts';
import { readOrCreateToken } from '../../local/token.ts';
import type { Envelope, MessageData } from '../../shared/event.ts';
import { systemClock } from '../../shared/ports/clock.ts';
import { attachedMails } from '../support/attached-mails.ts';
import { runInProcess } from '../support/cli.ts';
import { type Receiver, startReceiver } from '../support/receiver.ts';
import { silentLog } from '../support/silent-log.ts';

const PASSWORD = 'secret';
const PUBLIC_URL = 'https://mail.example.com/hooked';
const MAILS = attachedMails();

let folder: string;
let imap: ImapServer;
let receiver: Receiver;
let inline: Receiver;
let runtime: Runtime;
let server: ApiServer;
let app: ReturnType<typeof createAdminApp>;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mailhook-links-'));
  imap = await startImapServer({ users: { ana: { password: PASSWORD } } });
  receiver = await startReceiver();
  inline = await startReceiver();
  runtime = await startRuntime({
    ...{ folder, egress: 'private-ok', clock: systemClock, log: silentLog },
    links: { publicUrl: Promise.resolve(PUBLIC_URL), days: 30 },
  });
  const { store, vault, blobs } = runtime.embedded;
  const { operations, egress } = runtime;
  const parts = { store, vault, blobs, linkDays: 30, operations, egress, clock: systemClock, log: silentLog };
  app = createAdminApp({ ...parts, random: randomBytes, version: '0' });
  server = await startApiServer({
    ...{ app, port: 0, token: await readOrCreateToken(folder) },
    files: { answer: runtime.files, publicUrl: PUBLIC_URL },
  });
  await call('/v1/webhooks', { url: receiver.url, name: 'link' });
  await call('/v1/webhooks', { url: inline.url, name: 'inline', attachments: 'inline' });
  const login = { host: '127.0.0.1', port: imap.port, security: 'none', username: 'ana', password: PASSWORD };
  await call('/v1/accounts', { ...login, name: 'ana', intervalSeconds: 86_400 });
  for (const { raw } of MAILS) imap.mailbox('ana').add(raw);
  await call('/v1/poll', {});
  await Promise.all([receiver.whenAccepted(MAILS.length), inline.whenAccepted(MAILS.length)]);
});
afterAll(async () => {
  await server.close();
  await runtime.close();
  await Promise.all([receiver.close(), inline.close(), imap.close()]);
  rmSync(folder, { recursive: true, force: true });
});

async function call(path: string, body: unknown): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const response = await app.request(path, { method: 'POST', headers, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(await response.text());
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

function eventOf(subject: string, from = receiver): MessageData {
  const events = from.requests.map(({ body }) => JSON.parse(body.toString()) as Envelope<MessageData>);
  const event = events.find(({ data }) => data.subject === subject);
  if (event === undefined) throw new Error(`There is no event of "${subject}"`);
  return event.data;
}

/** What a reverse proxy at the public URL sends on: without the path it is at, with the host it was asked for. */
async function get(
  href: string | null,
  { method = 'GET', headers = {} }: { method?: string; headers?: Record<string, string> } = {},
) {
  const url = new URL(href ?? '');
  const path = url.pathname.replace('/hooked', '') + url.search;
  const sent = request({
    port: server.port,
    path,
    method,
    headers: { host: url.host, ...headers },
    agent: false,
  });
  sent.end();
  const [response] = await once(sent, 'response');
  const bytes = Buffer.concat(await response.toArray());
  return {
    status: response.statusCode as number,
    headers: response.headers as Record<string, string>,
    bytes,
  };
}

describe('the links of a delivered event', () => {
  it('begin with the public URL', () => {
    const { id, raw, attachments } = eventOf('base64');
    const start = `${PUBLIC_URL}/files/${id}/`;
    expect(raw.href?.startsWith(start)).toBe(true);
    expect(attachments[0]?.href?.startsWith(start)).toBe(true);
  });

  it.each(MAILS)('lead to the bytes that "$subject" came with', async ({ subject, raw, files }) => {
    const event = eventOf(subject);
    expect(event.attachments.map(({ filename }) => filename)).toEqual(files.map(({ name }) => name));
    for (const [index, { bytes }] of files.entries()) {
      const attachment = event.attachments[index];
      const answer = await get(attachment?.href ?? null);
      expect(answer.status).toBe(200);
      expect(sha256(answer.bytes)).toBe(sha256(bytes));
      expect(attachment).toMatchObject({ sha256: sha256(bytes), size: bytes.length, content: null });
    }
    const whole = await get(event.raw.href);
    expect(whole.bytes.equals(raw)).toBe(true);
    expect(whole.headers['content-type']).toBe('message/rfc822');
  });

  it('keep no file once they were followed', () => {
    expect(readdirSync(join(folder, 'downloads'))).toEqual([]);
  });

  it.each(['html', 'svg', 'a mail'])('never show what %s holds, but save it', async (subject) => {
    const [attachment] = eventOf(subject).attachments;
    const { headers } = await get(attachment?.href ?? null);
    expect(headers).toMatchObject({
      'content-type': attachment?.contentType,
      'content-disposition': `attachment; filename="${attachment?.filename}"`,
      'x-content-type-options': 'nosniff',
      'content-security-policy': "default-src 'none'; sandbox",
    });
    expect(headers['cache-control']).toContain('private');
  });

  it('answer HEAD like GET, without the bytes', async () => {
    for (const href of [eventOf('base64').raw.href, eventOf('base64').attachments[0]?.href ?? null]) {
      const [head, whole] = [await get(href, { method: 'HEAD' }), await get(href)];
      const { date: _1, connection: _2, 'keep-alive': _3, ...expected } = whole.headers;
      expect(head.headers).toMatchObject(expected);
      expect(head.bytes.length).toBe(0);
    }
  });

  it('give parts, of the mail and of what is cut out of it', async () => {
    const event = eventOf('base64');
    for (const href of [event.raw.href, event.attachments[0]?.href ?? null]) {
      const { bytes: whole } = await get(href);
      const part = await get(href, { headers: { range: 'bytes=1000-1999' } });
      expect(part.status).toBe(206);
      expect(part.headers['content-range']).toBe(`bytes 1000-1999/${whole.length}`);
      expect(part.bytes.equals(whole.subarray(1_000, 2_000))).toBe(true);
    }
  });

  it('are no way to the API or to the page of the server for whoever asks by the public host', async () => {
    for (const path of ['/v1/status', '/v1/messages', '/', '/files', '/files/../v1/status']) {
      const { status } = await get(`https://mail.example.com${path}`);
      expect([403, 404], path).toContain(status);
    }
    const path = new URL(eventOf('base64').raw.href ?? '').pathname;
    expect((await get(`https://evil.example${path}`)).status).toBe(403);
    // A proxy may ask by its own port, or as if it were on this machine.
    for (const host of ['mail.example.com:8443', `127.0.0.1:${server.port}`]) {
      expect((await get(`http://${host}${path}`)).status).toBe(200);
    }
  });
});

describe('the API and the command line', () => {
  it('show a message with the links that its event has', async () => {
    const { id, raw, attachments } = eventOf('html');
    const { links } = (await (await app.request(`/v1/messages/${id}`)).json()) as { links: unknown };
    const message = await runtime.embedded.store.message(id);
    const endMs = Date.parse(message?.event.committedAt ?? '') + 30 * 86_400_000;
    expect(links).toEqual({
      expireAt: new Date(endMs).toISOString(),
      raw: raw.href,
      attachments: attachments.map(({ href }) => ({ id: '1', filename: 'g.html', href })),
    });
    const env = { MAILHOOK_PORT: String(server.port), MAILHOOK_DATA: folder };
    const { code, stdout } = await runInProcess(['messages', 'show', id], { env });
    expect(code).toBe(0);
    expect(stdout).toContain(raw.href);
    expect(stdout).toContain(`g.html`);
    expect(stdout).toContain(attachments[0]?.href);
  });

  it('show none where they have expired', async () => {
    const { store, vault, blobs } = runtime.embedded;
    const { operations, egress } = runtime;
    const clock = { now: () => new Date(Date.now() + 31 * 86_400_000) };
    const parts = { store, vault, blobs, linkDays: 30, operations, egress, clock, log: silentLog };
    const later = createAdminApp({ ...parts, random: randomBytes, version: '0' });
    const answer = await later.request(`/v1/messages/${eventOf('html').id}`);
    expect(await answer.json()).toMatchObject({ links: null });
  });
});

describe('a webhook that takes attachments inline', () => {
  it.each(MAILS)('gets the bytes of "$subject" in the event, and the links besides', ({ subject, files }) => {
    const event = eventOf(subject, inline);
    const linked = eventOf(subject);
    const contents = event.attachments.map(({ content }) => sha256(Buffer.from(content ?? '?', 'base64')));
    expect(contents).toEqual(files.map(({ bytes }) => sha256(bytes)));
    expect(event.truncated).toEqual([]);
    expect(event.attachments.map((one) => ({ ...one, content: null }))).toEqual(linked.attachments);
  });
});
