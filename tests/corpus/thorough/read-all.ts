import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parseMessage, readAttachments } from '../../../functions/poll/parse/parse-message.ts';
import type { MessageData } from '../../../shared/event.ts';
import { eventOf, parseJob } from '../../support/parse-job.ts';
import { ourReading, type PythonAnswer, postalReading, pythonReading, type Reading } from './reading.ts';

const SCRIPT = fileURLToPath(new URL('../../support/read-mails.py', import.meta.url));
const MAX_ANSWER_BYTES = 256 * 1024 * 1024;

/** One mail as three parsers read it; null where one of the others refuses it. */
export interface ReadSample {
  readonly id: string;
  readonly bytes: Buffer;
  readonly data: MessageData;
  readonly ours: Reading;
  readonly postal: Reading | null;
  readonly python: Reading | null;
  /** For each of our files the SHA-256 of its bytes as they are, and as parsers that touch line ends give them. */
  readonly fileHashes: readonly ReadonlySet<string>[];
}

/** Reads every mail three times. Each event is checked against docs/schema. */
export async function readAll(
  samples: readonly { readonly id: string; readonly bytes: Buffer }[],
): Promise<ReadSample[]> {
  const answers = await askPython(samples.map(({ bytes }) => bytes));
  const read: ReadSample[] = [];
  for (const [index, { id, bytes }] of samples.entries()) {
    const { data } = eventOf(await parseMessage(parseJob(bytes)));
    const answer = answers[index];
    if (answer === undefined) throw new Error(`Python gave no answer for ${id}`);
    read.push({
      ...{ id, bytes, data, ours: ourReading(data) },
      postal: await postalReading(bytes),
      python: pythonReading(answer),
      fileHashes: await hashesOfFiles(bytes),
    });
  }
  return read;
}

async function hashesOfFiles(bytes: Buffer): Promise<ReadonlySet<string>[]> {
  const files = new Map<string, Buffer[]>();
  await readAttachments(bytes, (id) => {
    const chunks: Buffer[] = [];
    files.set(id, chunks);
    return (chunk) => chunks.push(Buffer.from(chunk));
  });
  return [...files.values()].map((chunks) => {
    const text = Buffer.concat(chunks).toString('latin1');
    const trimmed = text.replace(/^(\r?\n)+|(\r?\n)+$/g, '');
    const forms = [text, trimmed].flatMap((form) => [form, `${form}\r\n`, `${form}\n`, form.slice(0, -2)]);
    const all = forms.flatMap((form) => [form, form.replaceAll('\r\n', '\n')]);
    return new Set(all.map((form) => createHash('sha256').update(form, 'latin1').digest('hex')));
  });
}

async function askPython(mails: readonly Buffer[]): Promise<PythonAnswer[]> {
  const folder = await mkdtemp(join(tmpdir(), 'mailhook-python-'));
  try {
    const paths = mails.map((_, index) => join(folder, `${index}.eml`));
    await Promise.all(paths.map((path, index) => writeFile(path, mails[index] ?? '')));
    const running = promisify(execFile)('python3', [SCRIPT], { maxBuffer: MAX_ANSWER_BYTES });
    running.child.stdin?.end(paths.map((path) => `${JSON.stringify(path)}\n`).join(''));
    const { stdout } = await running;
    return stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as PythonAnswer);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
