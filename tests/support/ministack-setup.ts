import type { TestProject } from 'vitest/node';
import { type MiniStackAccess, startMiniStack } from './ministack.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The local AWS of this run, by `inject('miniStack')`. */
    readonly miniStack: MiniStackAccess;
  }
}

/** Starts a local AWS for the whole run, and ends it after the last file. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const aws = await startMiniStack();
  const { endpoint, port, pid, ca, env, clientOptions } = aws;
  project.provide('miniStack', { endpoint, port, pid, ca, env, clientOptions });
  return async () => {
    await aws[Symbol.asyncDispose]();
  };
}
