import { KMSClient } from '@aws-sdk/client-kms';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createKmsVault } from '../../../shared/aws/kms-vault.ts';
import { createOpeningKeys } from '../../../shared/aws/opening-keys.ts';
import { createSealingKeys } from '../../../shared/aws/sealing-keys.ts';
import type { Purpose, Sealed, Vault } from '../../../shared/ports/vault.ts';
import { vaultContract } from '../../contract/vault.ts';
import { type AwsStub, startAwsStub } from '../../support/aws-stub.ts';
import { createFakeKms, KMS_KEYS } from '../../support/fake-kms.ts';
import { createFakeS3 } from '../../support/fake-s3.ts';

const SECRET = Buffer.from('pässword 1');
const PAIR = 'GenerateDataKeyPairWithoutPlaintext';

let kms: ReturnType<typeof createFakeKms>;
let stub: AwsStub;
let s3: ReturnType<typeof createFakeS3>;
let clock: { time: number; now(): Date };

beforeEach(async () => {
  kms = createFakeKms();
  stub = await startAwsStub(kms.answer);
  s3 = createFakeS3();
  clock = { time: Date.parse('2026-11-25T08:00:00Z'), now: () => new Date(clock.time) };
});
afterEach(() => stub[Symbol.asyncDispose]());

/** A function that seals, as admin; another process each time. */
const sealer = (): Vault => {
  const client = new KMSClient(stub.clientOptions);
  const keys = { kms: client, s3: s3.client, bucket: 'mailhook', keyIds: KMS_KEYS, clock };
  return createKmsVault({ sealing: createSealingKeys(keys), opening: null });
};
/** A function that opens, as poll; another process each time. */
const opener = (keyIds: Partial<Record<Purpose, string>> = KMS_KEYS): Vault => {
  const client = new KMSClient(stub.clientOptions);
  return createKmsVault({ sealing: null, opening: createOpeningKeys({ client, keyIds, clock }) });
};
const targets = () => stub.requests.map(({ target }) => target.replace('TrentService.', ''));

vaultContract('kms', async () => {
  const kmsOfOne = await startAwsStub(createFakeKms().answer);
  const client = new KMSClient(kmsOfOne.clientOptions);
  const now = { now: () => new Date() };
  const keys = { kms: client, s3: createFakeS3().client, bucket: 'b', keyIds: KMS_KEYS, clock: now };
  return {
    vault: createKmsVault({
      sealing: createSealingKeys(keys),
      opening: createOpeningKeys({ client, keyIds: KMS_KEYS, clock: now }),
    }),
    close: async () => {
      client.destroy();
      await kmsOfOne[Symbol.asyncDispose]();
    },
  };
});

describe('createKmsVault()', () => {
  it('what one function seals another opens, for its owner and purpose', async () => {
    const sealed = await sealer().seal('mailbox-credential', 'acc_a', SECRET);
    expect(sealed).toMatch(/^v1:[\w-]+:[\w-]+$/);
    expect(Buffer.from(await opener().open('mailbox-credential', 'acc_a', sealed))).toEqual(SECRET);
  });

  it('who seals cannot open, who opens cannot seal', async () => {
    const sealed = await sealer().seal('mailbox-credential', 'acc_a', SECRET);
    await expect(sealer().open('mailbox-credential', 'acc_a', sealed)).rejects.toThrow('may open no secrets');
    await expect(opener().seal('mailbox-credential', 'acc_a', SECRET)).rejects.toThrow('may seal no secrets');
    expect(targets()).toEqual([PAIR]);
  });

  it('does not open for another owner, nor for another purpose with the right to that one', async () => {
    const sealed = await sealer().seal('mailbox-credential', 'acc_a', SECRET);
    await expect(opener().open('mailbox-credential', 'acc_b', sealed)).rejects.toThrow(
      /^Cannot open the mailbox/,
    );
    await expect(opener().open('webhook-secret', 'acc_a', sealed)).rejects.toThrow(
      /^Cannot open the webhook/,
    );
  });

  it('does not open with the key of another purpose put in place of its own', async () => {
    const sealed = await sealer().seal('mailbox-credential', 'acc_a', SECRET);
    const swapped = opener({ 'mailbox-credential': KMS_KEYS['webhook-secret'] });
    await expect(swapped.open('mailbox-credential', 'acc_a', sealed)).rejects.toThrow(/^Cannot open/);
  });

  it('notices every changed character of a sealed text', async () => {
    const sealed = await sealer().seal('webhook-secret', 'wh_a', SECRET);
    for (let at = 0; at < sealed.length; at += 7) {
      const other = sealed[at] === 'A' ? 'B' : 'A';
      const changed = `${sealed.slice(0, at)}${other}${sealed.slice(at + 1)}` as Sealed;
      await expect(opener().open('webhook-secret', 'wh_a', changed), changed).rejects.toThrow(/^Cannot open/);
    }
  });

  it.each(['', 'v1:', 'v1::', 'v1:AAAA', 'v2:AAAA:AAAA', 'v1:AAAA:AAAA', 'v1:A A:AAAA'])(
    'does not open "%s", and asks KMS nothing',
    async (text) => {
      await expect(opener().open('webhook-secret', 'wh_a', text as Sealed)).rejects.toThrow(/^Cannot open/);
      expect(stub.requests).toEqual([]);
    },
  );

  it('processes that seal share one key pair, so that one that opens asks KMS once, however many secrets', async () => {
    const seal = (owner: number) => sealer().seal('mailbox-credential', `acc_${owner}`, SECRET);
    const sealed = await Promise.all(Array.from({ length: 20 }, (_, owner) => seal(owner)));
    const opening = opener();
    for (const round of [1, 2]) {
      const opened = await Promise.all(
        sealed.map((text, owner) => opening.open('mailbox-credential', `acc_${owner}`, text)),
      );
      expect(
        opened.map((bytes) => Buffer.from(bytes).toString()),
        `round ${round}`,
      ).toEqual(Array.from({ length: 20 }, () => SECRET.toString()));
    }
    expect(targets().filter((target) => target === 'Decrypt')).toHaveLength(1);
    expect(s3.objects.size).toBe(1);
  });

  it('a process that sealed once asks nobody, until the year is over', async () => {
    const vault = sealer();
    const first = await vault.seal('webhook-secret', 'wh_a', SECRET);
    await vault.seal('webhook-secret', 'wh_b', SECRET);
    expect([targets(), s3.requests]).toMatchObject([[PAIR], [expect.stringMatching(/^PUT .*-2026\.json$/)]]);
    clock.time = Date.parse('2027-01-01T00:00:00Z');
    const later = await vault.seal('webhook-secret', 'wh_a', SECRET);
    expect(later.split(':')[1]).not.toBe(first.split(':')[1]);
    for (const sealed of [first, later]) {
      expect(Buffer.from(await opener().open('webhook-secret', 'wh_a', sealed))).toEqual(SECRET);
    }
  });

  it('keys are opened anew after 15 minutes: a right taken away ends', async () => {
    const sealed = await sealer().seal('webhook-secret', 'wh_a', SECRET);
    const vault = opener();
    await vault.open('webhook-secret', 'wh_a', sealed);
    clock.time += 15 * 60_000 - 1;
    await vault.open('webhook-secret', 'wh_a', sealed);
    clock.time += 1;
    await vault.open('webhook-secret', 'wh_a', sealed);
    expect(targets()).toEqual([PAIR, 'Decrypt', 'Decrypt']);
  });

  it('a PUT that met another at the same moment is made again', async () => {
    s3.refuseOnce(409);
    const sealed = await sealer().seal('webhook-secret', 'wh_a', SECRET);
    expect(Buffer.from(await opener().open('webhook-secret', 'wh_a', sealed))).toEqual(SECRET);
  });

  it('an outage is an error of its own, and the next call asks again', async () => {
    const sealed = await sealer().seal('webhook-secret', 'wh_a', SECRET);
    const [opening, sealing] = [opener(), sealer()];
    kms.goDown();
    await expect(opening.open('webhook-secret', 'wh_a', sealed)).rejects.toThrow('as the test wants it');
    await expect(sealing.seal('webhook-secret', 'wh_a', SECRET)).rejects.toThrow('as the test wants it');
    kms.comeBack();
    s3.refuseOnce(503);
    await expect(sealing.seal('webhook-secret', 'wh_a', SECRET)).rejects.toThrow();
    expect(Buffer.from(await opening.open('webhook-secret', 'wh_a', sealed))).toEqual(SECRET);
    await sealing.seal('webhook-secret', 'wh_a', SECRET);
  });

  it('an object that is no key pair is named, and nothing is sealed to it', async () => {
    await sealer().seal('webhook-secret', 'wh_a', SECRET);
    for (const text of ['', '{}', '{"publicKey":"AAAA","wrapped":"AAAA"}', 'x'.repeat(20_000)]) {
      for (const name of s3.objects.keys()) s3.objects.set(name, text);
      await expect(sealer().seal('webhook-secret', 'wh_a', SECRET)).rejects.toThrow(
        /the object keys\/webhook-secret\/\S+ of the bucket is no key pair/,
      );
    }
  });

  it('a function without the key of a purpose says so', async () => {
    const sealed = await sealer().seal('mailbox-credential', 'acc_a', SECRET);
    const vault = opener({ 'webhook-secret': KMS_KEYS['webhook-secret'] });
    await expect(vault.open('mailbox-credential', 'acc_a', sealed)).rejects.toThrow(
      'This function has no key for the purpose "mailbox-credential"',
    );
  });
});
