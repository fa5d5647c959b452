import { describe, expect, it } from 'vitest';
import { ConfigError, readConfig } from '../../local/config.ts';

const read = (env: NodeJS.ProcessEnv) => readConfig(env, []);

describe('MAILHOOK_RETENTION_DAYS', () => {
  it('is 30 days unless it says otherwise', () => {
    expect(read({}).retentionDays).toBe(30);
    expect(read({ MAILHOOK_RETENTION_DAYS: '' }).retentionDays).toBe(30);
    expect(read({ MAILHOOK_RETENTION_DAYS: '7' }).retentionDays).toBe(7);
    expect(read({ MAILHOOK_RETENTION_DAYS: '1000' }).retentionDays).toBe(1_000);
  });

  it.each(['0', '-1', '1.5', '1001', '7d', ' 7', '1e2', 'forever'])('%j is refused, by its name', (text) => {
    const reading = () => read({ MAILHOOK_RETENTION_DAYS: text });
    expect(reading).toThrow(ConfigError);
    expect(reading).toThrow(`MAILHOOK_RETENTION_DAYS "${text}": give a whole number of days from 1 to 1000`);
  });
});
