import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { runCli } from '../../cli/run.ts';

it('output that finds no room ends with 1 and one line, not with a stack trace', async () => {
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { syscall: 'write' });
  const stdout = Object.assign(new PassThrough(), {
    write(): boolean {
      throw full;
    },
  });
  const stderr = new PassThrough();
  const code = await runCli(['--version'], {
    env: {},
    stdin: new PassThrough(),
    stdout,
    stderr,
    now: () => new Date(),
  });
  expect(code).toBe(1);
  expect(String(stderr.read())).toBe('Cannot write the output: ENOSPC: no space left on device, write\n');
});
