import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseMessage, readAttachments } from '../../functions/poll/parse/parse-message.ts';
import type { MessageData } from '../../shared/event.ts';
import { generateCorpus } from '../support/mime-corpus.ts';
import { eventOf, parseJob } from '../support/parse-job.ts';

const SEED = 3;
const MARK = 'MARKMARKMARK';
/** The same damages every time; to look for rarer ones, change the seed and raise the number. */
const RUNS = { seed: SEED, numRuns: 1_500 };

/** Mails of several parts that hold their text as it stands, with a mark in the first text. */
const MAILS = generateCorpus(SEED, 400)
  .filter(({ bytes, manifest }) => bytes.includes('multipart/') && typeof manifest.text === 'string')
  .map(({ bytes, manifest }) => {
    const text = manifest.text?.split('\n', 1)[0] ?? '';
    const at = text === '' ? -1 : bytes.indexOf(text);
    return at < 0 ? null : Buffer.concat([bytes.subarray(0, at), Buffer.from(MARK), bytes.subarray(at)]);
  })
  .filter((bytes) => bytes !== null);

/** Something that happens to mails on their way. */
const damage = fc.oneof(
  fc.record({ kind: fc.constant('drop' as const), at: fc.nat() }),
  fc.record({ kind: fc.constant('double' as const), at: fc.nat() }),
  fc.record({ kind: fc.constant('blank' as const), at: fc.nat() }),
  fc.record({ kind: fc.constant('cut' as const), at: fc.nat() }),
  fc.record({ kind: fc.constant('byte' as const), at: fc.nat() }),
);

function damaged(mail: Buffer, { kind, at }: { kind: string; at: number }): Buffer {
  if (kind === 'cut') return mail.subarray(0, at % mail.length);
  if (kind === 'byte') {
    const copy = Buffer.from(mail);
    copy[at % mail.length] = 0x2d;
    return copy;
  }
  const lines = mail.toString('latin1').split('\r\n');
  const index = at % lines.length;
  const line = lines[index] ?? '';
  if (kind === 'drop') lines.splice(index, 1);
  else lines.splice(index, 0, kind === 'double' ? line : '');
  return Buffer.from(lines.join('\r\n'), 'latin1');
}

/**
 * Whether the mark stands where RFC 2046 section 5.1.1 has nothing to be read: before the first delimiter of the multipart that
 * was named last, or behind a closing one.
 */
function isOutsideParts(bytes: Buffer): boolean {
  const before = bytes.subarray(0, bytes.indexOf(MARK)).toString('latin1');
  const [, boundary = '', rest = ''] = /.*boundary="?([^"\r\n;]+)(.*)/s.exec(before) ?? [];
  const isOpened = rest.split('\r\n').some((line) => line.trimEnd() === `--${boundary}`);
  return !isOpened || /\r\n--(?:=_b1|rel|inner|l\d+)--/.test(before);
}

/** Whether the mark stands in a line of a header that is no field and has fields behind it: such lines are left out. */
function isStrayLine(bytes: Buffer): boolean {
  const [before = '', after = ''] = bytes.toString('latin1').split(MARK);
  const lines = after.split('\r\n').slice(1);
  const end = lines.findIndex((line) => line === '' || /^--(?:=_b1|rel|inner|l\d+)(?:--)?$/.test(line));
  const isBehindEmptyLine = /\n\r?\n[^\n]*$/.test(before);
  return !isBehindEmptyLine && lines.slice(0, end).some((line) => /^[!-9;-~]+[ \t]*:/.test(line));
}

/** Whether the mark is anywhere in the event: in a text, a header, or the bytes of a file. */
async function hasMark(bytes: Buffer, data: MessageData): Promise<boolean> {
  if (JSON.stringify(data).includes(MARK)) return true;
  const chunks: Buffer[] = [];
  await readAttachments(bytes, () => (chunk) => chunks.push(Buffer.from(chunk)));
  return Buffer.concat(chunks).includes(MARK);
}

/** Mails of every class with a mark in the subject. */
const MARKED_HEADERS = generateCorpus(SEED, 400)
  .map(({ bytes }) =>
    Buffer.from(bytes.toString('latin1').replace('Subject: ', `Subject: ${MARK} `), 'latin1'),
  )
  .filter((bytes) => bytes.includes(MARK));

/** Whether the line of the mark is a field still; other lines of a header are left out. */
function isField(bytes: Buffer): boolean {
  return new RegExp(`(?:^|\\n)[!-9;-~]+[ \\t]*:[^\\r\\n]*${MARK}`).test(bytes.toString('latin1'));
}

/** Fails when the mail holds a mark that is not in its event, and nothing in the event says so. */
async function expectMark(bytes: Buffer): Promise<void> {
  const { data } = eventOf(await parseMessage(parseJob(bytes)));
  if (data.parseError !== null || data.truncated.length > 0) return;
  expect(await hasMark(bytes, data), bytes.toString('latin1')).toBe(true);
}

const DAMAGES = fc.array(damage, { minLength: 1, maxLength: 4 });

it('a field of a damaged header is in the event', async () => {
  const damagedMail = fc.tuple(fc.constantFrom(...MARKED_HEADERS), DAMAGES);
  await fc.assert(
    fc.asyncProperty(damagedMail, async ([mail, damages]) => {
      const bytes = damages.reduce(damaged, mail);
      if (isField(bytes)) await expectMark(bytes);
    }),
    RUNS,
  );
});

it('what a damaged mail holds is in its event, or the event says that something could not be read', async () => {
  const damagedMail = fc.tuple(fc.constantFrom(...MAILS), DAMAGES);
  await fc.assert(
    fc.asyncProperty(damagedMail, async ([mail, damages]) => {
      const bytes = damages.reduce(damaged, mail);
      if (bytes.includes(MARK) && !isOutsideParts(bytes) && !isStrayLine(bytes)) await expectMark(bytes);
    }),
    RUNS,
  );
});
