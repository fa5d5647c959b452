import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['tests/**/*.test.ts'],
          exclude: ['tests/servers/**', 'tests/aws/**', 'tests/corpus/thorough/**'],
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'servers',
          include: ['tests/servers/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 60_000,
          // Each file starts a Dovecot of its own; one after the other keeps two cores honest.
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'corpus',
          include: ['tests/corpus/thorough/**/*.test.ts'],
          testTimeout: 120_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'aws',
          include: ['tests/aws/**/*.test.ts'],
          // One local AWS for all files, which come one after the other.
          globalSetup: ['tests/support/ministack-setup.ts'],
          setupFiles: ['tests/support/ministack-trust.ts'],
          testTimeout: 120_000,
          hookTimeout: 180_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
