import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeLedger,
  type EMPTY_LEDGER,
  encodeLedger,
  keyOf,
  ledgerIsStale,
  ledgerKey,
  ledgerOf,
  nextLedger,
} from '../../../functions/poll/ledger.ts';
import type { AccountId } from '../../../shared/identity.ts';
import type { Listed } from '../../../shared/ports/mail-source.ts';

const login = 'acc_1' as AccountId;
const day = (number: number) => new Date(number * 86_400_000);
const mail = (uidl: string, sizeBytes: number | null = 10): Listed => ({
  source: { protocol: 'pop3', uidl },
  sizeBytes,
  internalDate: null,
  flags: [],
  labels: [],
  backfill: false,
});
const has = (ledger: typeof EMPTY_LEDGER, uidl: string) => {
  const key = ledgerKey(login, uidl);
  if (ledger.present.has(key)) return 'present';
  return ledger.absent.has(key) ? 'absent' : 'unknown';
};

describe('ledger', () => {
  it('decodeLedger() reads what encodeLedger() wrote, in the order of the listing', () => {
    const uidl = fc.string({ minLength: 1, maxLength: 70 });
    const size = fc.option(fc.nat(0xfffffffe), { nil: null });
    fc.assert(
      fc.property(fc.uniqueArray(uidl), fc.array(size), fc.nat(40_000), (uidls, sizes, today) => {
        const items = uidls.map((one, index) => mail(one, sizes[index] ?? null));
        const before = ledgerOf(login, items, day(today));
        const ledger = nextLedger(before, login, items.slice(1), day(today + 1));
        const read = decodeLedger(encodeLedger(ledger));
        expect(read).toEqual(ledger);
        expect([...read.present.keys()]).toEqual(items.slice(1).map((item) => keyOf(login, item)));
      }),
    );
  });

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['zeros', Buffer.alloc(40)],
    ['a cut blob', encodeLedger(ledgerOf(login, [mail('a'), mail('b')], day(1))).subarray(0, -1)],
  ])('decodeLedger() refuses %s instead of knowing nothing', (_name, bytes) => {
    expect(() => decodeLedger(bytes)).toThrow(/Cannot read a ledger blob/);
  });

  it('nextLedger() keeps an absent UIDL for 35 days and then forgets it', () => {
    const first = ledgerOf(login, [mail('a'), mail('b')], day(100));
    const gone = nextLedger(first, login, [mail('b')], day(101));
    expect(has(gone, 'a')).toBe('absent');
    const held = nextLedger(gone, login, [mail('b')], day(135));
    expect(has(held, 'a')).toBe('absent');
    expect(has(nextLedger(held, login, [mail('b')], day(136)), 'a')).toBe('unknown');
    expect(has(nextLedger(held, login, [mail('a'), mail('b')], day(135)), 'a')).toBe('present');
  });

  it('nextLedger() takes an empty listing for 35 days of absence, not for a wiped state', () => {
    const first = ledgerOf(login, [mail('a')], day(100));
    expect(has(nextLedger(first, login, [], day(101)), 'a')).toBe('absent');
  });

  it('ledgerKey() gives another login another key', () => {
    expect(ledgerKey('acc_2' as AccountId, 'a')).not.toBe(ledgerKey(login, 'a'));
  });

  it('ledgerIsStale() asks for a new ledger above 100 outside, after 7 days, or when some vanished', () => {
    const ledger = ledgerOf(login, [], day(100));
    expect(ledgerIsStale(ledger, { outside: 100, vanished: 0 }, day(101))).toBe(false);
    expect(ledgerIsStale(ledger, { outside: 101, vanished: 0 }, day(101))).toBe(true);
    expect(ledgerIsStale(ledger, { outside: 1, vanished: 0 }, day(108))).toBe(true);
    expect(ledgerIsStale(ledger, { outside: 0, vanished: 0 }, day(108))).toBe(false);
    expect(ledgerIsStale(ledger, { outside: 0, vanished: 1 }, day(101))).toBe(true);
  });
});
