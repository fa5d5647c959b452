import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, type Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { afterAll } from 'vitest';
import { readSettings } from '../../infra/settings.ts';
import { MailhookStack } from '../../infra/stack.ts';

/** The first synthesis of a process takes two seconds of a free processor. */
export const SYNTH_TIMEOUT_MS = 60_000;

const outdirs: string[] = [];
afterAll(() => {
  for (const outdir of outdirs.splice(0)) rmSync(outdir, { recursive: true, force: true });
});

/** An app with the stack of these settings, whose functions are not bundled. */
export function stackWith(context: Readonly<Record<string, unknown>> = {}): { app: App; stack: Stack } {
  const outdir = mkdtempSync(join(tmpdir(), 'mailhook-synth-'));
  outdirs.push(outdir);
  const app = new App({
    outdir,
    treeMetadata: false,
    context: {
      'aws:cdk:bundling-stacks': [],
      // The runner maps each frame of each construct's stack to its source, which takes seconds.
      'aws:cdk:disable-stack-trace': true,
    },
  });
  return { app, stack: new MailhookStack(app, readSettings(context)) };
}

/** The template of the stack with these settings. */
export function templateWith(context: Readonly<Record<string, unknown>> = {}): Template {
  return Template.fromStack(stackWith(context).stack);
}
