import { describe, expect, it } from 'vitest';
import { ConfigError, readConfig } from '../../local/config.ts';

const read = (env: NodeJS.ProcessEnv) => readConfig(env, []);

describe('readConfig()', () => {
  it('keeps what ended for 30 days unless it is told otherwise', () => {
    expect(read({}).retentionDays).toBe(30);
    expect(read({ MAILHOOK_RETENTION_DAYS: '' }).retentionDays).toBe(30);
    expect(read({ MAILHOOK_RETENTION_DAYS: '7' }).retentionDays).toBe(7);
    expect(read({ MAILHOOK_RETENTION_DAYS: '1000' }).retentionDays).toBe(1_000);
  });

  it.each(['0', '-1', '1.5', '1001', '7d', ' 7', '1e2', 'forever'])(
    'refuses %j days, by the name',
    (text) => {
      const reading = () => read({ MAILHOOK_RETENTION_DAYS: text });
      expect(reading).toThrow(ConfigError);
      expect(reading).toThrow(
        `MAILHOOK_RETENTION_DAYS "${text}": give a whole number of days from 1 to 1000`,
      );
    },
  );

  it('has links to its own address for 30 days unless it is told otherwise', () => {
    expect(read({})).toMatchObject({ publicUrl: null, linkDays: 30 });
    const env = { MAILHOOK_PUBLIC_URL: 'https://Mail.Example.com/hooks/', MAILHOOK_LINK_DAYS: '7' };
    expect(read(env)).toMatchObject({ publicUrl: 'https://mail.example.com/hooks', linkDays: 7 });
  });

  it.each([
    ['MAILHOOK_PUBLIC_URL', 'mail.example.com'],
    ['MAILHOOK_PUBLIC_URL', 'https://mail.example.com/?a'],
    ['MAILHOOK_PUBLIC_URL', `https://${'a'.repeat(200)}`],
    ['MAILHOOK_LINK_DAYS', '0'],
    ['MAILHOOK_LINK_DAYS', '1001'],
    ['MAILHOOK_LINK_DAYS', '1.5'],
    ['MAILHOOK_LINK_DAYS', 'ever'],
  ])('refuses %s "%s", naming it and what it may be', (name, value) => {
    expect(() => read({ [name]: value })).toThrow(new RegExp(`^Cannot use ${name} ".*": give `));
  });

  it('refuses a public URL with a password without showing it', () => {
    const url = 'https://ana:hunter2@mail.example.com';
    const message = /^Cannot use MAILHOOK_PUBLIC_URL: give (?!.*hunter2)/;
    expect(() => read({ MAILHOOK_PUBLIC_URL: url })).toThrow(message);
  });
});
