import type { Command } from 'commander';
import type { PlanStep } from '../apply/plan.ts';
import type { StepResult } from '../apply/run-plan.ts';
import { type Context, show } from '../context.ts';
import { printable } from '../text.ts';

/** `mailhook apply`. */
export function addApplyCommand(command: Command, context: Context): void {
  command
    .argument('<file>', `YAML with accounts and webhooks, fields as in the API, secrets as \${VARIABLE}`)
    .option('--dry-run', 'only show what would be done')
    .action((file: string, options: { dryRun?: boolean }) =>
      apply(context, command, file, options.dryRun === true),
    );
}

const MARKS = { create: '+', update: '~', unchanged: '=' } as const;

async function apply(context: Context, command: Command, file: string, dryRun: boolean): Promise<void> {
  // The YAML library is large: the other commands do without.
  const { readApplyFile } = await import('../apply/apply-file.ts');
  const { planApply } = await import('../apply/plan.ts');
  const { runPlan } = await import('../apply/run-plan.ts');
  const wanted = await readApplyFile(file, context.env);
  for (const warning of wanted.warnings) context.terminal.warn(`Warning: ${warning}`);
  const plan = await planApply(context.api, wanted);
  const steps = dryRun ? plan.map(plannedOnly) : await runPlan(context.api, plan);
  const failed = steps.filter(({ error }) => error !== null);
  if (failed.length > 0) context.fail();
  await show(context, command, { dryRun, steps }, () => printSteps(context, steps, dryRun));
  for (const { kind, name, error } of failed)
    context.terminal.warn(`${kind} ${name}: ${error?.detail ?? ''}`);
}

function plannedOnly({ kind, name, action, changes }: PlanStep): StepResult {
  return { kind, name, action, changes, error: null };
}

function printSteps(context: Context, steps: readonly StepResult[], dryRun: boolean): void {
  const { terminal } = context;
  for (const { kind, name, action, changes, error } of steps) {
    const detail = changes.length === 0 ? '' : `: ${changes.join(', ')}`;
    const failure = error === null ? '' : ' (failed)';
    terminal.line(`${MARKS[action]} ${kind} ${printable(name)}  ${action}${detail}${failure}`);
  }
  const number = (action: StepResult['action']): number =>
    steps.filter((step) => step.action === action && step.error === null).length;
  const [created, updated] = dryRun ? ['to create', 'to update'] : ['created', 'updated'];
  const failures = steps.filter(({ error }) => error !== null).length;
  const parts = [
    `${number('create')} ${created}`,
    `${number('update')} ${updated}`,
    `${number('unchanged')} unchanged`,
  ];
  terminal.line([...parts, ...(failures === 0 ? [] : [`${failures} failed`])].join(', '));
}
