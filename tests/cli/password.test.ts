import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { readPassword, requirePassword } from '../../cli/password.ts';

/** A terminal at which somebody types; remembers whether what is typed is shown. */
function terminal() {
  const stdin = Object.assign(new PassThrough(), {
    isTTY: true,
    isRaw: false,
    setRawMode(mode: boolean) {
      this.isRaw = mode;
      return this;
    },
  });
  const shown = new PassThrough();
  const sources = { env: {}, stdin: stdin, prompt: shown };
  return { stdin, sources, shown: () => String(shown.read() ?? '') };
}

describe('the prompt for a password', () => {
  it('takes what is typed until Enter, shows nothing of it and leaves the terminal as it was', async () => {
    const { stdin, sources, shown } = terminal();
    const password = requirePassword(sources, {});
    await expect.poll(() => stdin.isRaw).toBe(true);
    for (const key of ['h', 'x', '\u007f', 'ünter', '\b', ' 2', '\r', 'more']) stdin.write(key);
    expect(await password).toBe('hünte 2');
    expect(stdin.isRaw).toBe(false);
    expect(shown()).toBe('Password: \n');
  });

  it('takes a character that comes in two pieces', async () => {
    const { stdin, sources } = terminal();
    const password = requirePassword(sources, {});
    const bytes = Buffer.from('ü\r');
    stdin.write(bytes.subarray(0, 1));
    stdin.write(bytes.subarray(1));
    expect(await password).toBe('ü');
  });

  it.each(['\u0003', '\u0004', '\r', 'abc\u0003'])('ends without a password after %j', async (keys) => {
    const { stdin, sources } = terminal();
    const password = requirePassword(sources, {});
    stdin.write(keys);
    await expect(password).rejects.toMatchObject({ name: 'UsageError', message: 'No password was given' });
    expect(stdin.isRaw).toBe(false);
  });

  it('is what --password-stdin means at a terminal', async () => {
    const { stdin, sources } = terminal();
    const password = readPassword(sources, { passwordStdin: true });
    stdin.write('pw\r');
    expect(await password).toBe('pw');
  });

  it('does not come where no option asks for a password', async () => {
    const { sources, shown } = terminal();
    expect(await readPassword(sources, {})).toBeUndefined();
    expect(shown()).toBe('');
  });
});

describe('a password from elsewhere', () => {
  it('is not repeated when it stands where the name of a variable belongs', async () => {
    const { sources } = terminal();
    const refused = readPassword(sources, { passwordEnv: 'hunter2!' });
    await expect(refused).rejects.toThrow(/^(?!.*hunter2)/);
  });

  it('on standard input has a limit', async () => {
    const stdin = new PassThrough();
    const sources = { env: {}, stdin: stdin, prompt: new PassThrough() };
    stdin.end('x'.repeat(65_537));
    await expect(readPassword(sources, { passwordStdin: true })).rejects.toThrow('too long');
  });
});
