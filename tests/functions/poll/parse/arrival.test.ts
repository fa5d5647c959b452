import { describe, expect, it } from 'vitest';
import { arrivalOfHead } from '../../../../functions/poll/parse/arrival.ts';

const head = (...lines: string[]) => Buffer.from(`${lines.join('\r\n')}\r\n\r\n`);
const DATE = 'Date: Mon, 02 Nov 2026 10:00:00 +0000';

describe('arrivalOfHead()', () => {
  it('is what the last server wrote, and not an earlier one, nor the sender', () => {
    const last = 'Received: from a (b; c)\r\n by d; Tue, 03 Nov 2026 10:00:00 +0100 (CET)';
    const first = 'Received: by x; Mon, 02 Nov 2026 10:00:05 +0000';
    expect(arrivalOfHead(head(last, first, DATE))).toBe('2026-11-03T09:00:00.000Z');
  });

  it.each([
    ['without Received', []],
    ['with a Received without a date', ['Received: by x']],
    ['with a Received of another form', ['Received: by x; yesterday']],
  ])('is the Date %s', (_case, lines) => {
    expect(arrivalOfHead(head(...lines, DATE))).toBe('2026-11-02T10:00:00.000Z');
  });

  it('is null where nothing says it', () => {
    expect(arrivalOfHead(head('Subject: a'))).toBeNull();
    expect(arrivalOfHead(Buffer.alloc(0))).toBeNull();
  });
});
