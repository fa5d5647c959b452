import type { Connection } from './connection.ts';
import { readStackSetting } from './settings.ts';
import { connectWithToken } from './token-connection.ts';

/**
 * The way to the API: with the token of one machine, or, where a stack is named by `--stack` or `MAILHOOK_STACK` or the URL is
 * a Lambda's, with the caller's AWS credentials. Throws UsageError for settings that cannot be used, and ApiError for an AWS
 * that will not say where the API is.
 */
export async function connect(option: string | null, env: NodeJS.ProcessEnv): Promise<Connection> {
  const stack = readStackSetting(option, env);
  if (stack === null) return await connectWithToken(env);
  // Loaded here and not before: the SDK takes longer to load than a command to run.
  const { connectToStack } = await import('./stack/stack-connection.ts');
  return await connectToStack(stack, env);
}
