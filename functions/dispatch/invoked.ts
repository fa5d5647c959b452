import type { DispatchInvocation } from '../../shared/aws/invocation.ts';
import type { Attempt } from '../../shared/delivery.ts';
import type { DispatchDeps } from './deps.ts';
import { revealSecret } from './reveal-secret.ts';
import { testWebhook } from './test-webhook.ts';

/** Does what the admin function asks of the dispatch function; see `Operations`. */
export async function answerInvocation(
  deps: DispatchDeps,
  { operation, id }: DispatchInvocation,
): Promise<Attempt | string | null> {
  switch (operation) {
    case 'testWebhook':
      return await testWebhook(deps, id);
    case 'revealSecret':
      return await revealSecret(deps, id);
    default:
      return unknown(operation);
  }
}

function unknown(operation: never): never {
  throw new Error(`There is no operation "${String(operation).slice(0, 100)}"`);
}
