import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runInProcess, runMailhook } from '../support/cli.ts';
import { eventFault } from '../support/event-schema.ts';
import { mail } from '../support/parse-job.ts';

const LIMIT_BYTES = 64 * 1024 * 1024;
const MAIL = mail('From: Ana <ana@example.com>', 'Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=', '', 'Hello');

let folder: string;
let file: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mailhook-parse-'));
  file = join(folder, 'a.eml');
  await writeFile(file, MAIL);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('parse', () => {
  it('prints the event of a file, without a server, indented', async () => {
    const run = await runMailhook(['parse', file]);
    expect(run).toMatchObject({ code: 0, stderr: '' });
    const event: unknown = JSON.parse(run.stdout);
    expect(eventFault(event)).toBeNull();
    expect(event).toMatchObject({
      type: 'message.received',
      data: {
        account: { name: 'parse' },
        from: { name: 'Ana', address: 'ana@example.com' },
        subject: 'Grüße',
        text: 'Hello\n',
        size: MAIL.length,
      },
    });
    expect(run.stdout.split('\n').length).toBeGreaterThan(20);
  });

  it('reads standard input for -, and prints one line with --json, with the same id as of the file', async () => {
    const { code, stdout } = await runInProcess(['parse', '-', '--json'], { stdin: MAIL.toString('latin1') });
    expect(code).toBe(0);
    expect(stdout.trimEnd()).not.toContain('\n');
    const again = await runInProcess(['parse', file, '--json']);
    expect(JSON.parse(stdout).data).toMatchObject({
      ...JSON.parse(again.stdout).data,
      receivedAt: expect.any(String),
    });
  });

  it('escapes what could steer a terminal, and the JSON is still the same', async () => {
    const steering = join(folder, 'steering.eml');
    await writeFile(
      steering,
      mail('Subject: =?utf-8?Q?a=C2=9B31m=E2=80=AEb?=', '', 'x\u009b\u202ey\u{e0001}'),
    );
    const { stdout } = await runInProcess(['parse', steering]);
    expect(stdout).toMatch(/^[\P{C}\n]*$/u);
    const plain = await runInProcess(['parse', steering, '--json']);
    expect(JSON.parse(stdout).data.text).toBe(JSON.parse(plain.stdout).data.text);
  });

  it.each([
    ['a file that is not there', () => join(folder, 'no.eml'), 'there is no such file (ENOENT)'],
    ['a folder', () => folder, 'it is a folder (EISDIR)'],
    ['an empty file', () => '/dev/null', 'The file "/dev/null" is empty'],
    ['a file without an end', () => '/dev/zero', `is larger than ${LIMIT_BYTES} bytes`],
  ])('says what is wrong with %s', async (_, path, message) => {
    const run = await runInProcess(['parse', path()]);
    expect(run).toMatchObject({ code: 2, stdout: '' });
    expect(run.stderr).toContain(message);
    expect(run.stderr.split('\n')).toHaveLength(2);
  });

  it('says that standard input is empty, and that a file is missing', async () => {
    expect(await runInProcess(['parse', '-'])).toMatchObject({
      code: 2,
      stderr: 'Standard input is empty: give a mail as it was sent\n',
    });
    expect(await runInProcess(['parse'])).toMatchObject({ code: 2 });
  });
});
