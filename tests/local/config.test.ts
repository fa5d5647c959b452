import { describe, expect, it } from 'vitest';
import { readConfig } from '../../local/config.ts';

describe('readConfig()', () => {
  it('has links to its own address for 30 days unless it is told otherwise', () => {
    expect(readConfig({}, [])).toMatchObject({ publicUrl: null, linkDays: 30 });
    const env = { MAILHOOK_PUBLIC_URL: 'https://Mail.Example.com/hooks/', MAILHOOK_LINK_DAYS: '7' };
    expect(readConfig(env, [])).toMatchObject({ publicUrl: 'https://mail.example.com/hooks', linkDays: 7 });
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
    expect(() => readConfig({ [name]: value }, [])).toThrow(new RegExp(`^Cannot use ${name} ".*": give `));
  });
});
