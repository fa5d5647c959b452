import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { createTerminal } from '../../cli/terminal.ts';

function screen(isTTY: boolean, env: Record<string, string> = {}) {
  const stdout = Object.assign(new PassThrough(), { isTTY });
  const streams = {
    stdout: stdout as unknown as NodeJS.WriteStream,
    stderr: new PassThrough() as unknown as NodeJS.WriteStream,
  };
  return { terminal: createTerminal(streams, env), text: () => String(stdout.read() ?? '') };
}

describe('colour', () => {
  it.each<[boolean, Record<string, string>, boolean]>([
    [true, {}, true],
    [true, { NO_COLOR: '1' }, false],
    [true, { TERM: 'dumb' }, false],
    [false, {}, false],
    [false, { FORCE_COLOR: '1' }, false],
  ])('on a terminal %s with %j is %s', (isTTY, env, colored) => {
    const { terminal, text } = screen(isTTY, env);
    terminal.hint('next');
    expect(text().includes('\u001b[')).toBe(colored);
  });
});

describe('a table', () => {
  it('is aligned, whatever the width of the characters and the colours', async () => {
    const { terminal, text } = screen(true);
    await terminal.table(
      ['A', 'B'],
      [
        ['漢字', terminal.state('active')],
        ['x', 'y'],
      ],
    );
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the codes of the colours
    const plain = text().replace(/\u001b\[\d+m/g, '');
    expect(plain).toBe('A     B\n漢字  active\nx     y\n');
  });

  it('cuts a cell that would push the others out of sight, and cleans what comes from outside', async () => {
    const { terminal, text } = screen(false);
    await terminal.table(['A', 'B'], [['x'.repeat(100), 'a\nb\u001b[31m']]);
    expect(text()).toBe(`A${' '.repeat(61)}B\n${'x'.repeat(59)}…  a b [31m\n`);
  });

  it('of fields shows their values whole, cleaned', async () => {
    const { terminal, text } = screen(false);
    await terminal.fields([['reason', `${'x'.repeat(100)}\u001b[31m`]]);
    expect(text()).toBe(`reason  ${'x'.repeat(100)} [31m\n`);
  });

  it('without rows is its head', async () => {
    const { terminal, text } = screen(false);
    await terminal.table(['A', 'B'], []);
    expect(text()).toBe('A  B\n');
  });
});
