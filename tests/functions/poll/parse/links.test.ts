import { describe, expect, it } from 'vitest';
import { MAX_EVENT_BYTES } from '../../../../functions/poll/parse/limits.ts';
import { parseMessage } from '../../../../functions/poll/parse/parse-message.ts';
import { MAX_PUBLIC_URL_CHARS, newFileLink } from '../../../../shared/file-link.ts';
import type { EventId } from '../../../../shared/identity.ts';
import { attachedMails } from '../../../support/attached-mails.ts';
import { eventOf, mail, parseJob } from '../../../support/parse-job.ts';

const ID = `msg_${'a'.repeat(26)}` as EventId;
const { base } = newFileLink('https://x.example', ID, (size) => new Uint8Array(size));
const [MAIL] = attachedMails();
const RAW = MAIL?.raw ?? Buffer.alloc(0);

describe('parseMessage() links', () => {
  it('says where the raw mail and each attachment can be fetched', async () => {
    const { data } = eventOf(await parseMessage(parseJob(RAW, { linkBase: base })));
    expect(data.raw.href).toBe(`${base}/raw`);
    expect(data.attachments.map(({ href, content }) => [href, content])).toEqual([
      [`${base}/attachments/1`, null],
    ]);
  });

  it('says null where there are no links, and of what was not fetched', async () => {
    const unlinked = eventOf(await parseMessage(parseJob(RAW))).data;
    expect([unlinked.raw.href, unlinked.attachments[0]?.href]).toEqual([null, null]);
    const job = parseJob(mail('Subject: large', ''), { linkBase: base, oversizeBytes: 100_000_000 });
    expect(eventOf(await parseMessage(job)).data.raw).toEqual({ href: null, sha256: null });
  });

  it('never crowds the event out of its limit, however many attachments and however long the URL', async () => {
    const name = 'n'.repeat(200);
    const part = (number: number) => [
      '--b',
      `Content-Type: application/x-${'t'.repeat(80)}; name="${number}${name}"`,
      `Content-ID: <${'i'.repeat(100)}>`,
      'Content-Disposition: attachment',
      '',
      'x',
    ];
    const people = Array.from({ length: 900 }, (_, number) => `"${'p'.repeat(40)}" <p${number}@example.com>`);
    const lines = [
      ...['To', 'Cc', 'Bcc', 'Reply-To'].map((field) => `${field}: ${people.join(',\r\n ')}`),
      ...Array.from({ length: 900 }, (_, number) => `X-Field-${number}: ${'v'.repeat(200)}`),
      `References: ${Array.from({ length: 400 }, (_, number) => `<${number}.${'r'.repeat(60)}@example.com>`).join('\r\n ')}`,
      'Content-Type: multipart/mixed; boundary=b',
      '',
      '--b',
      'Content-Type: text/plain',
      '',
      'y'.repeat(1_000_000),
      ...Array.from({ length: 600 }, (_, number) => part(number)).flat(),
      '--b--',
    ];
    const host = `https://${'h'.repeat(MAX_PUBLIC_URL_CHARS - 8)}`;
    const longest = newFileLink(host, ID, (size) => new Uint8Array(size));
    const flags = Array.from({ length: 500 }, (_, number) => `${number}${'f'.repeat(50)}`);
    const job = parseJob(mail(...lines), { linkBase: longest.base, flags, labels: flags });
    const parsed = await parseMessage(job);
    expect(parsed.event.length).toBeLessThanOrEqual(MAX_EVENT_BYTES);
    const { data } = eventOf(parsed);
    expect(data.attachments.length).toBeGreaterThan(200);
    expect(data.attachments.every(({ id, href }) => href === `${longest.base}/attachments/${id}`)).toBe(true);
    expect(data.truncated).toContain('attachments');
  });
});
