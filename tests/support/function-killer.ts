import { InvokeCommand, type LambdaClient } from '@aws-sdk/client-lambda';
import { functionProcesses, isConnectedTo } from './function-processes.ts';
import type { Dice } from './mail-content.ts';
import type { MiniStackAccess } from './ministack.ts';

/** What shows that a function works: a connection to a mail server, or to a receiver. */
interface Working {
  readonly functionName: string;
  readonly ports: readonly number[];
}

/**
 * Waits until a process of the function works, lets it go on for some milliseconds below `withinMs`, and kills it with
 * SIGKILL if it works then still; otherwise waits for another one. Resolves to false when `signal` came first.
 */
export async function killWorking(
  aws: MiniStackAccess,
  { functionName, ports }: Working,
  {
    dice,
    withinMs,
    signal,
  }: { readonly dice: Dice; readonly withinMs: number; readonly signal: AbortSignal },
): Promise<boolean> {
  while (!signal.aborted) {
    const working = functionProcesses(aws, functionName).filter((pid) => isConnectedTo(pid, ports));
    if (working.length === 0) {
      await passing(20);
      continue;
    }
    const pid = dice.pick(working);
    await passing(dice.below(withinMs));
    if (isConnectedTo(pid, ports) && killProcess(pid)) return true;
  }
  return false;
}

/**
 * Invokes a function without input; whether it ended well, or its process was killed, at work or before that while it
 * started. Throws when it failed by itself.
 */
export async function invoke(
  client: LambdaClient,
  functionName: string,
): Promise<'ended' | 'killed' | 'killed-at-start'> {
  const answer = await client.send(new InvokeCommand({ FunctionName: functionName }));
  if (answer.FunctionError === undefined) return 'ended';
  const reason = answer.Payload?.transformToString() ?? '';
  if (/process died|broken pipe/i.test(reason)) return 'killed';
  if (reason.includes('exited immediately')) return 'killed-at-start';
  throw new Error(`The function ${functionName} failed: ${reason}`);
}

/**
 * Invokes a function that is warm and kills it with SIGKILL some milliseconds below `withinMs` later; whether that hit it at
 * work, and not after its answer.
 */
export async function killInvoked(
  aws: MiniStackAccess,
  client: LambdaClient,
  functionName: string,
  { dice, withinMs }: { readonly dice: Dice; readonly withinMs: number },
): Promise<boolean> {
  const killed = passing(dice.below(withinMs)).then(() =>
    functionProcesses(aws, functionName).map(killProcess),
  );
  const [ended] = await Promise.all([invoke(client, functionName), killed]);
  return ended === 'killed';
}

/** Whether there was such a process still. */
function killProcess(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

/** The time in which the function comes to the point where it is killed. */
function passing(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
