import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDate } from '../../../../functions/poll/parse/date.ts';

describe('parseDate()', () => {
  it.each([
    ['Tue, 2 Jan 2024 10:00:00 +0100', '2024-01-02T09:00:00.000Z'],
    ['2 Jan 2024 10:00 -0800', '2024-01-02T18:00:00.000Z'],
    ['Tue,02 Jan 2024 10:00:00 +0000 (UTC)', '2024-01-02T10:00:00.000Z'],
    ['Tue, 2 Jan 2024 (a (b\\) c) d) 10 : 00 : 00 +0530', '2024-01-02T04:30:00.000Z'],
    ['Tue, 2 Jan 2024 23:59:60 +0000', '2024-01-03T00:00:00.000Z'],
    ['Sat, 29 Feb 2020 00:00:00 Z', '2020-02-29T00:00:00.000Z'],
  ])('reads %s (RFC 5322 section 3.3)', (text, expected) => {
    expect(parseDate(text)).toBe(expected);
  });

  it.each([
    ['GMT', 10],
    ['UT', 10],
    ['EST', 15],
    ['EDT', 14],
    ['PST', 18],
    ['CET', 9],
    ['CEST', 8],
    ['EET', 8],
    ['EEST', 7],
    ['MSK', 7],
    ['JST', 1],
    ['A', 10],
    ['XYZ', 10],
    ['-0000', 10],
    ['', 10],
  ])('reads the zone %s, the unknown ones as UTC (section 4.3)', (zone, hourUtc) => {
    expect(parseDate(`Tue, 2 Jan 2024 10:00:00 ${zone}`)).toBe(
      new Date(Date.UTC(2024, 0, 2, hourUtc)).toISOString(),
    );
  });

  it('takes IST for India', () => {
    expect(parseDate('Tue, 2 Jan 2024 10:00:00 IST')).toBe('2024-01-02T04:30:00.000Z');
  });

  it.each([
    ['49', 2049],
    ['50', 1950],
    ['99', 1999],
    ['00', 2000],
    ['101', 2001],
    ['124', 2024],
    ['1999', 1999],
  ])('reads the year %s as %d (section 4.3)', (year, expected) => {
    expect(parseDate(`1 Mar ${year} 00:00:00 +0000`)).toBe(`${expected}-03-01T00:00:00.000Z`);
  });

  it.each([
    ['Tue Jan  2 10:00:00 2024', '2024-01-02T10:00:00.000Z'],
    ['Tuesday, January 2, 2024 at 10:00 PM +0100', '2024-01-02T21:00:00.000Z'],
    ['Tue, 2 Jan 2024 10:00:00,123 +0000', '2024-01-02T10:00:00.000Z'],
    ['Tue Jan  2 10:00:00 CET 2024', '2024-01-02T09:00:00.000Z'],
    ['2024-01-02T10:00:00.123+01:00', '2024-01-02T09:00:00.000Z'],
    ['2024-01-02 10:00:00', '2024-01-02T10:00:00.000Z'],
    ['2-January-2024 10.00.00 GMT', '2024-01-02T10:00:00.000Z'],
    ['Tue, 2 Jan 2024 10:00:00 GMT+0100', '2024-01-02T09:00:00.000Z'],
    ['Tue, 2 Jan 2024 10:00:00 UTC+01:00', '2024-01-02T09:00:00.000Z'],
    ['Tue, 2 Jan 2024 12:30:00 AM', '2024-01-02T00:30:00.000Z'],
    ['Tue, 2 Jan 2024 10:00:00 PM +0000', '2024-01-02T22:00:00.000Z'],
  ])('reads %s, which is no RFC 5322', (text, expected) => {
    expect(parseDate(text)).toBe(expected);
  });

  it.each([
    [''],
    ['yesterday'],
    ['Tue, 31 Feb 2024 10:00:00 +0000'],
    ['0 Jan 2024 10:00:00 +0000'],
    ['2 Foo 2024 10:00:00 +0000'],
    ['2 Jan 2024 24:00:00 +0000'],
    ['2 Jan 2024 10:60:00 +0000'],
    ['2 Jan 2024 10:00:00 +9999'],
    ['2 Jan 12024 10:00:00 +0000'],
    ['2 Jan 0101 10:00:00 +0000'],
    ['31 Dec 9999 23:00:00 -1200'],
    ['1704190000'],
    ['2 Jan 2024'],
  ])('answers null to "%s", never the present time', (text) => {
    expect(parseDate(text)).toBeNull();
  });

  it('reads back every date that Date prints for mail', () => {
    const date = fc.date({ min: new Date('1900-01-01'), max: new Date('9999-12-30'), noInvalidDate: true });
    fc.assert(
      fc.property(date, (time) => {
        expect(parseDate(time.toUTCString())).toBe(
          new Date(Math.floor(time.getTime() / 1000) * 1000).toISOString(),
        );
      }),
    );
  });

  it('never throws, and what it gives is ISO 8601 in UTC', () => {
    const token = fc.constantFrom(
      'Tue,',
      '2',
      'Jan',
      '2024',
      '10:00',
      ':',
      '+0100',
      '(',
      ')',
      '\\',
      ' ',
      '-',
      'pm',
      'T',
      'Z',
    );
    const text = fc.oneof(
      fc.string(),
      fc.array(token).map((parts) => parts.join(' ')),
    );
    fc.assert(
      fc.property(text, (value) => {
        expect(parseDate(value) ?? '2024-01-01T00:00:00.000Z').toMatch(
          /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$/,
        );
      }),
    );
  });
});
