import { describe, expect, it } from 'vitest';
import {
  formatServerAction,
  formatStartPolicy,
  parseServerAction,
  parseStartPolicy,
} from '../../shared/account.ts';

describe('parseStartPolicy()', () => {
  it.each(['now', 'all', 'since:2026-02-28', 'last:10'])(
    'reads %s, and formatStartPolicy() writes it',
    (text) => {
      const start = parseStartPolicy(text);
      expect(start && formatStartPolicy(start)).toBe(text);
    },
  );

  it.each([
    '',
    'NOW',
    'since:2026-02-30',
    'since:26-01-01',
    'last:',
    'last:-1',
    'last:1.5',
    'last:9999999999',
  ])('refuses %j', (text) => {
    expect(parseStartPolicy(text)).toBeNull();
  });
});

describe('parseServerAction()', () => {
  it.each([
    'none',
    'mark-seen',
    'delete',
    'move:Archive/2026',
    'move:[Gmail]/Alle',
    'flag:$Done',
    'flag:\\Flagged',
  ])('reads %s, and formatServerAction() writes it', (text) => {
    const action = parseServerAction(text);
    expect(action && formatServerAction(action)).toBe(text);
  });

  it.each([
    '',
    'seen',
    'move:',
    'move:a\r\nb',
    'flag:',
    'flag:two words',
    'flag:a"b',
    'flag:a\\b',
    'flag:\\Deleted',
    'flag:(x)',
  ])('refuses %j', (text) => {
    expect(parseServerAction(text)).toBeNull();
  });
});
