import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, inject } from 'vitest';
import { createKmsVault } from '../../shared/aws/kms-vault.ts';
import { createOpeningKeys } from '../../shared/aws/opening-keys.ts';
import { createSealingKeys } from '../../shared/aws/sealing-keys.ts';
import { systemClock as clock } from '../../shared/ports/clock.ts';
import { vaultContract } from '../contract/vault.ts';

const { clientOptions } = inject('miniStack');
const kms = new KMSClient(clientOptions);
const s3 = new S3Client({ ...clientOptions, forcePathStyle: true });
const bucket = 'mailhook-vault-test';
beforeAll(() => s3.send(new CreateBucketCommand({ Bucket: bucket })));
afterAll(() => {
  kms.destroy();
  s3.destroy();
});

async function newKey(): Promise<string> {
  const { KeyMetadata: made } = await kms.send(new CreateKeyCommand({}));
  expect(made?.Arn).toBeDefined();
  return made?.Arn ?? '';
}

vaultContract('kms', async () => {
  const keyIds = { 'mailbox-credential': await newKey(), 'webhook-secret': await newKey() };
  const vault = createKmsVault({
    sealing: createSealingKeys({ kms, s3, bucket, keyIds, clock }),
    opening: createOpeningKeys({ client: kms, keyIds, clock }),
  });
  return { vault, close: async () => undefined };
});
