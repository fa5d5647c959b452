import { type Api, path } from '../api.ts';
import { ApiError, type ProblemBody } from '../errors.ts';
import type { PlanStep } from './plan.ts';

/** How one step went: `error` is why it failed, null when it did not. */
export interface StepResult extends Pick<PlanStep, 'kind' | 'name' | 'action' | 'changes'> {
  readonly error: ProblemBody | null;
}

/** Does the steps one after the other. One that fails does not keep the others from being done; an unreachable server does. */
export async function runPlan(api: Api, plan: readonly PlanStep[]): Promise<StepResult[]> {
  const results: StepResult[] = [];
  for (const step of plan) {
    const { kind, name, action, changes } = step;
    results.push({ kind, name, action, changes, error: await runStep(api, step) });
  }
  return results;
}

async function runStep(api: Api, step: PlanStep): Promise<ProblemBody | null> {
  try {
    await request(api, step);
    return null;
  } catch (error) {
    if (error instanceof ApiError && error.problem.code !== 'unreachable') return error.problem;
    throw error;
  }
}

async function request(api: Api, step: PlanStep): Promise<void> {
  const collection = step.kind === 'account' ? '/v1/accounts' : '/v1/webhooks';
  if (step.action === 'create') {
    await api.send('POST', collection, step.body);
    return;
  }
  const one = `${collection}/${encodeURIComponent(step.name)}`;
  if (Object.keys(step.body).length > 0) await api.send('PATCH', one, step.body);
  if (step.secret !== null)
    await api.send('POST', path`/v1/webhooks/${step.name}/rotate-secret`, { secret: step.secret });
}
