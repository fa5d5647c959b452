import { describe, expect, it } from 'vitest';
import { readConfig } from '../../../shared/aws/config.ts';
import { EnvironmentError } from '../../../shared/aws/environment.ts';

const ENV = {
  PATH: '/bin',
  AWS_REGION: 'eu-central-1',
  MAILHOOK_STACK: 'mailhook',
  MAILHOOK_LOG_LEVEL: 'info',
  MAILHOOK_TABLE: 'table-1',
  MAILHOOK_RETENTION_DAYS: '30',
  MAILHOOK_EGRESS: 'public',
  MAILHOOK_EGRESS_ALLOW: '',
};
const read = (changes: Record<string, string | undefined> = {}) => {
  const env = { ...ENV, ...changes };
  return readConfig(Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined)), [
    'egress',
    'egressAllow',
  ]);
};

describe('readConfig()', () => {
  it('reads the settings that are named and those of every function, and freezes them', () => {
    const config = read({ MAILHOOK_EGRESS_ALLOW: '10.0.0.0/8,127.0.0.0/8' });
    expect(config).toEqual({
      stack: 'mailhook',
      logLevel: 'info',
      table: 'table-1',
      retentionDays: 30,
      egress: 'public',
      egressAllow: ['10.0.0.0/8', '127.0.0.0/8'],
    });
    expect(Object.isFrozen(config)).toBe(true);
  });

  it('reads the URL that links begin with, and refuses what is none', () => {
    const readUrl = (url: string) =>
      readConfig({ ...ENV, MAILHOOK_FILES_URL: url }, ['egress', 'egressAllow', 'filesUrl']).filesUrl;
    expect(readUrl('https://files.example.com/')).toBe('https://files.example.com');
    expect(() => readUrl('files.example.com')).toThrow(EnvironmentError);
    expect(() => readUrl('https://files.example.com/?a')).toThrow('Cannot use MAILHOOK_FILES_URL');
  });

  it('the empty text is no range', () => {
    expect(read().egressAllow).toEqual([]);
  });

  it.each([
    [{ MAILHOOK_TABLE: undefined }, 'Cannot start without MAILHOOK_TABLE: it must be set'],
    [{ MAILHOOK_TABLE: '' }, 'Cannot use MAILHOOK_TABLE "": it must not be empty'],
    [{ MAILHOOK_TABEL: 'x' }, 'Cannot start with MAILHOOK_TABEL: there is no such setting of this function'],
    [
      { MAILHOOK_BUCKET: 'x' },
      'Cannot start with MAILHOOK_BUCKET: there is no such setting of this function',
    ],
    [{ MAILHOOK_LOG_LEVEL: 'debug' }, 'Cannot use MAILHOOK_LOG_LEVEL "debug": give info or warn or error'],
    [{ MAILHOOK_RETENTION_DAYS: '0' }, 'give a whole number from 1 to 1000'],
    [{ MAILHOOK_RETENTION_DAYS: '3e1' }, 'give a whole number from 1 to 1000'],
    [{ MAILHOOK_EGRESS_ALLOW: '10.0.0.0/8,ten' }, '"ten" is no range such as 10.0.0.0/8'],
  ])('%j fails at the start, in one line that names it', (changes, message) => {
    expect(() => read(changes)).toThrow(EnvironmentError);
    expect(() => read(changes)).toThrow(message);
  });
});
