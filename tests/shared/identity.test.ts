import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type AccountId,
  accountIdOf,
  deliveryIdOf,
  eventIdOf,
  operationalEventId,
  parseDeliveryId,
  type Source,
  webhookIdOf,
} from '../../shared/identity.ts';

const login = { protocol: 'imap', host: 'imap.example.com', port: 993, username: 'ana@example.com' } as const;
const account = 'acc_1' as AccountId;

describe('identity', () => {
  it('accountIdOf() and eventIdOf() keep the published vectors', () => {
    expect(accountIdOf(login)).toBe('acc_gu5xweqhvnooiclr');
    expect(eventIdOf(account, { protocol: 'imap', mailbox: 'INBOX', uidValidity: '1', uid: 2 })).toBe(
      'msg_mrn7j3b5hkmhn7flhr4knsdsvx',
    );
    expect(eventIdOf(account, { protocol: 'pop3', uidl: 'uidl-1' })).toBe('msg_mukrshkn5q2ra4rrf6yyprzu3l');
  });

  it.each([
    ['IMAP.Example.COM', 'imap.example.com'],
    ['imap.example.com.', 'imap.example.com'],
    ['bücher.example', 'xn--bcher-kva.example'],
  ])('accountIdOf() takes the host %s for %s', (host, same) => {
    expect(accountIdOf({ ...login, host })).toBe(accountIdOf({ ...login, host: same }));
  });

  it('eventIdOf() takes inbox for INBOX, and no other name for another', () => {
    const at = (mailbox: string) =>
      eventIdOf(account, { protocol: 'imap', mailbox, uidValidity: '1', uid: 1 });
    expect(at('inbox')).toBe(at('INBOX'));
    expect(at('archive')).not.toBe(at('Archive'));
  });

  it('eventIdOf() gives different messages different ids', () => {
    const source: fc.Arbitrary<Source> = fc.oneof(
      fc.record({
        protocol: fc.constant('imap' as const),
        mailbox: fc.constantFrom('INBOX', 'A', 'A1', ''),
        uidValidity: fc.nat(99).map(String),
        uid: fc.nat(99),
      }),
      fc.record({ protocol: fc.constant('pop3' as const), uidl: fc.string({ maxLength: 5 }) }),
    );
    fc.assert(
      fc.property(source, source, (a, b) => {
        const same = JSON.stringify(Object.entries(a).sort()) === JSON.stringify(Object.entries(b).sort());
        expect(eventIdOf(account, a) === eventIdOf(account, b)).toBe(same);
      }),
    );
  });

  it('operationalEventId() changes with the number of the transition', () => {
    const id = operationalEventId('account.auth_failed', account, 1);
    expect(id).toMatch(/^msg_[a-z2-7]{26}$/);
    expect(operationalEventId('account.auth_failed', account, 1)).toBe(id);
    expect(operationalEventId('account.auth_failed', account, 2)).not.toBe(id);
  });

  it('parseDeliveryId() reads what deliveryIdOf() wrote and nothing else', () => {
    const ref = {
      eventId: eventIdOf(account, { protocol: 'pop3', uidl: 'a' }),
      webhookId: webhookIdOf(new Uint8Array(10).fill(7)),
    };
    expect(parseDeliveryId(deliveryIdOf(ref))).toEqual(ref);
    for (const wrong of [
      '',
      ref.eventId,
      `${deliveryIdOf(ref)}.x`,
      `x.${ref.webhookId}`,
      `${ref.eventId}.wh_1`,
    ]) {
      expect(parseDeliveryId(wrong)).toBeNull();
    }
  });
});
