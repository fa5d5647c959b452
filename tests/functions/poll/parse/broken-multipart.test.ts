import { describe, expect, it } from 'vitest';
import { parseMessage } from '../../../../functions/poll/parse/parse-message.ts';
import type { MessageData } from '../../../../shared/event.ts';
import { eventOf, mail, parseJob } from '../../../support/parse-job.ts';

const dataOf = async (message: Buffer): Promise<MessageData> =>
  eventOf(await parseMessage(parseJob(message))).data;

describe('parseMessage() on broken multiparts', () => {
  const types = [
    ['never occurs', 'multipart/mixed; boundary=nope'],
    ['is missing', 'multipart/mixed'],
    ['is empty', 'multipart/alternative; boundary=""'],
  ] as const;

  it.each(types)('gives the body as text when the boundary %s', async (_, type) => {
    const data = await dataOf(mail(`Content-Type: ${type}`, '', '--b', '', 'caf\u00e9', '--b--'));
    expect(data.text).toBe('--b\n\ncafé\n--b--\n');
    expect(data.parseError).toContain('does not occur');
  });

  it('decodes 8-bit text of such a body that is no UTF-8', async () => {
    const body = Buffer.from('caf\xe9 \0', 'latin1');
    const data = await dataOf(Buffer.concat([mail('Content-Type: multipart/mixed; boundary=x', ''), body]));
    expect(data.text).toBe('café \ufffd');
  });

  it('says so when only an inner multipart cannot be read', async () => {
    const inner = ['--out', 'Content-Type: multipart/alternative; boundary=nope', '', 'lost'];
    const data = await dataOf(
      mail('Content-Type: multipart/mixed; boundary=out', '', '--out', '', 'kept', ...inner, '--out--'),
    );
    expect(data.text).toBe('kept');
    expect(data.parseError).toContain('that part could not be read');
  });

  it('gives the body as text when an inner multipart held everything', async () => {
    const inner = ['--out', 'Content-Type: multipart/alternative; boundary=nope', '', 'hello'];
    const data = await dataOf(mail('Content-Type: multipart/mixed; boundary=out', '', ...inner, '--out--'));
    expect(data.text).toContain('hello');
    expect(data.parseError).not.toBeNull();
  });

  it('has nothing to say of parts that are empty, or of a blank body', async () => {
    const empty = mail('Content-Type: multipart/mixed; boundary=b', '', '--b', '', '', '--b--');
    expect(await dataOf(empty)).toMatchObject({ text: null, parseError: null });
    expect(await dataOf(mail('Content-Type: multipart/mixed; boundary=b', '', ' '))).toMatchObject({
      text: null,
      parseError: null,
    });
  });
});
