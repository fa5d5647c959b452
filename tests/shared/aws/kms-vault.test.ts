import { KMSClient } from '@aws-sdk/client-kms';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createKmsVault } from '../../../shared/aws/kms-vault.ts';
import { systemClock } from '../../../shared/ports/clock.ts';
import type { Purpose, Sealed, Vault } from '../../../shared/ports/vault.ts';
import { vaultContract } from '../../contract/vault.ts';
import { type AwsStub, startAwsStub } from '../../support/aws-stub.ts';
import { createFakeKms, KMS_KEYS } from '../../support/fake-kms.ts';

const SECRET = Buffer.from('pässword 1');

let kms: ReturnType<typeof createFakeKms>;
let stub: AwsStub;
let clock: { time: number; now(): Date };

beforeEach(async () => {
  kms = createFakeKms();
  stub = await startAwsStub(kms.answer);
  clock = { time: Date.parse('2026-11-25T08:00:00Z'), now: () => new Date(clock.time) };
});
afterEach(() => stub[Symbol.asyncDispose]());

const vaultWith = (keyIds: Partial<Record<Purpose, string>> = KMS_KEYS): Vault =>
  createKmsVault({ client: new KMSClient(stub.clientOptions), keyIds, clock });
const targets = () => stub.requests.map(({ target }) => target.replace('TrentService.', ''));

vaultContract('kms', async () => {
  const kmsOfOne = await startAwsStub(createFakeKms().answer);
  const client = new KMSClient(kmsOfOne.clientOptions);
  return {
    vault: createKmsVault({ client, keyIds: KMS_KEYS, clock: systemClock }),
    close: async () => {
      client.destroy();
      await kmsOfOne[Symbol.asyncDispose]();
    },
  };
});

describe('createKmsVault()', () => {
  it('a secret opens in another process, for its owner and purpose', async () => {
    const sealed = await vaultWith().seal('mailbox-credential', 'acc_a', SECRET);
    expect(sealed).toMatch(/^v1:[\w-]+:[\w-]+$/);
    expect(Buffer.from(await vaultWith().open('mailbox-credential', 'acc_a', sealed))).toEqual(SECRET);
  });

  it('the sealed text shows neither the secret nor its data key', async () => {
    const sealed = await vaultWith().seal('mailbox-credential', 'acc_a', SECRET);
    const bytes = sealed.split(':').map((part) => Buffer.from(part, 'base64url'));
    expect(bytes.some((part) => part.includes(SECRET))).toBe(false);
  });

  it('does not open for another owner, nor for another purpose with the right to that one', async () => {
    const vault = vaultWith();
    const sealed = await vault.seal('mailbox-credential', 'acc_a', SECRET);
    await expect(vault.open('mailbox-credential', 'acc_b', sealed)).rejects.toThrow(
      /^Cannot open the mailbox/,
    );
    await expect(vaultWith().open('webhook-secret', 'acc_a', sealed)).rejects.toThrow(
      /^Cannot open the webhook/,
    );
  });

  it('does not open with the key of another purpose put in place of its own', async () => {
    const sealed = await vaultWith().seal('mailbox-credential', 'acc_a', SECRET);
    const swapped = vaultWith({ 'mailbox-credential': KMS_KEYS['webhook-secret'] });
    await expect(swapped.open('mailbox-credential', 'acc_a', sealed)).rejects.toThrow(/^Cannot open/);
  });

  it('notices every changed character of a sealed text', async () => {
    const sealed = await vaultWith().seal('webhook-secret', 'wh_a', SECRET);
    for (let at = 0; at < sealed.length; at += 7) {
      const other = sealed[at] === 'A' ? 'B' : 'A';
      const changed = `${sealed.slice(0, at)}${other}${sealed.slice(at + 1)}` as Sealed;
      await expect(vaultWith().open('webhook-secret', 'wh_a', changed), changed).rejects.toThrow(
        /^Cannot open/,
      );
    }
  });

  it.each(['', 'v1:', 'v1::', 'v1:AAAA', 'v2:AAAA:AAAA', 'v1:AAAA:AAAA', 'v1:A A:AAAA'])(
    'does not open "%s", and asks KMS nothing',
    async (text) => {
      await expect(vaultWith().open('webhook-secret', 'wh_a', text as Sealed)).rejects.toThrow(
        /^Cannot open/,
      );
      expect(stub.requests).toEqual([]);
    },
  );

  it('a warm function asks KMS once for each purpose, however many secrets and at once', async () => {
    const vault = vaultWith();
    const seal = (owner: number) => vault.seal('mailbox-credential', `acc_${owner}`, SECRET);
    const sealed = await Promise.all(Array.from({ length: 50 }, (_, owner) => seal(owner)));
    const opening = vaultWith();
    for (const round of [1, 2]) {
      const opened = await Promise.all(
        sealed.map((text, owner) => opening.open('mailbox-credential', `acc_${owner}`, text)),
      );
      expect(
        opened.map((bytes) => Buffer.from(bytes).toString()),
        `round ${round}`,
      ).toEqual(Array.from({ length: 50 }, () => SECRET.toString()));
    }
    expect(targets()).toEqual(['GenerateDataKey', 'Decrypt']);
  });

  it('keys are made anew after 5 minutes and opened anew after 15: a right taken away ends', async () => {
    const vault = vaultWith();
    const first = await vault.seal('webhook-secret', 'wh_a', SECRET);
    await vault.open('webhook-secret', 'wh_a', first);
    clock.time += 5 * 60_000;
    const second = await vault.seal('webhook-secret', 'wh_a', SECRET);
    await vault.open('webhook-secret', 'wh_a', first);
    expect(second.split(':')[1]).not.toBe(first.split(':')[1]);
    clock.time += 10 * 60_000;
    await vault.open('webhook-secret', 'wh_a', first);
    expect(targets()).toEqual(['GenerateDataKey', 'Decrypt', 'GenerateDataKey', 'Decrypt']);
  });

  it('an outage is an error of its own, and the next call asks again', async () => {
    const sealed = await vaultWith().seal('webhook-secret', 'wh_a', SECRET);
    const vault = vaultWith();
    kms.goDown();
    await expect(vault.open('webhook-secret', 'wh_a', sealed)).rejects.toThrow('as the test wants it');
    await expect(vault.seal('webhook-secret', 'wh_a', SECRET)).rejects.toThrow('as the test wants it');
    kms.comeBack();
    expect(Buffer.from(await vault.open('webhook-secret', 'wh_a', sealed))).toEqual(SECRET);
    await vault.seal('webhook-secret', 'wh_a', SECRET);
  });

  it('a function without the key of a purpose says so', async () => {
    const vault = vaultWith({ 'webhook-secret': KMS_KEYS['webhook-secret'] });
    await expect(vault.seal('mailbox-credential', 'acc_a', SECRET)).rejects.toThrow(
      'This function has no key for the purpose "mailbox-credential"',
    );
  });
});
