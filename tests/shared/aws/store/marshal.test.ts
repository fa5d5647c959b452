import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  attributes,
  json,
  number,
  packed,
  StoredItemError,
  text,
  textOrNull,
  unpackedOrNull,
} from '../../../../shared/aws/store/marshal.ts';

describe('the attributes of items', () => {
  it('attributes() leaves out what is null or undefined', () => {
    expect(attributes({ a: 'x', b: null, c: undefined, d: 0 })).toEqual({ a: { S: 'x' }, d: { N: '0' } });
  });

  it('text() and number() give back what was stored', () => {
    fc.assert(
      fc.property(fc.string(), fc.double({ noNaN: true, noDefaultInfinity: true }), (word, value) => {
        const item = attributes({ word, value });
        expect(text(item, 'word')).toBe(word);
        expect(number(item, 'value') === value).toBe(true);
      }),
    );
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])('attributes() refuses the number %d', (value) => {
    expect(() => attributes({ value })).toThrow(RangeError);
  });

  it('packed() and unpackedOrNull() give back any text, long or short', () => {
    const texts = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ minLength: 400, maxLength: 2_000 }));
    fc.assert(
      fc.property(texts, (value) => {
        expect(unpackedOrNull(attributes({ value: packed(value) }), 'value')).toBe(value);
      }),
    );
  });

  it('packed() makes the same page ten times hardly larger than once', () => {
    const page = Array.from({ length: 200 }, (_, line) => `<p>line ${line * 7919} of an answer</p>`).join();
    const size = (value: string | number | Uint8Array) =>
      value instanceof Uint8Array ? value.length : String(value).length;
    expect(size(packed(page.repeat(10)))).toBeLessThan(size(packed(page)) * 3);
    expect(size(packed(page.repeat(10)))).toBeLessThan(page.length / 2);
  });

  it('unpackedOrNull() does not inflate without end', () => {
    const bomb = packed('a'.repeat(5_000_000));
    expect(() => unpackedOrNull(attributes({ value: bomb }), 'value')).toThrow();
  });

  it('what is not of its form is named without what is in it', () => {
    const item = attributes({ sk: 'C#private words', subject: 'private words', count: 'private words' });
    const failures = [
      () => text(item, 'missing'),
      () => number(item, 'count'),
      () => unpackedOrNull(attributes({ sk: 'C#private words', value: 3 }), 'value'),
    ];
    for (const failing of failures) {
      expect(failing).toThrow(StoredItemError);
      expect(failing).toThrow(/^Cannot read "[a-z]+" of an item "C": it is not a \w+( \w+)?$/);
    }
    expect(textOrNull(item, 'missing')).toBeNull();
    expect(json(attributes({ value: '{"a":1}' }), 'value')).toEqual({ a: 1 });
  });
});
