import { expect, it } from 'vitest';
import { blobRetentionDays } from '../../shared/retention.ts';

it('blobRetentionDays() outlives a delivery that was parked to the last day and is kept after its end, and its retries', () => {
  expect(blobRetentionDays(1)).toBeGreaterThan(2 + 76 / 24);
  expect(blobRetentionDays(30)).toBe(75);
});
