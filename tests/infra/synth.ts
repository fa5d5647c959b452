import { rmSync } from 'node:fs';
import { App, type Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { readSettings } from '../../infra/settings.ts';
import { MailhookStack } from '../../infra/stack.ts';

/** The first synthesis of a process takes two seconds of a free processor. */
export const SYNTH_TIMEOUT_MS = 60_000;

/** An app with the stack of these settings, whose functions are not bundled. */
export function stackWith(context: Readonly<Record<string, unknown>> = {}): { app: App; stack: Stack } {
  const app = new App({
    treeMetadata: false,
    context: {
      'aws:cdk:bundling-stacks': [],
      // The runner maps each frame of each construct's stack to its source, which takes seconds.
      'aws:cdk:disable-stack-trace': true,
    },
  });
  // Folders in the system's place for temporary ones; nothing in them is looked at.
  process.once('exit', () => rmSync(app.outdir, { recursive: true, force: true }));
  return { app, stack: new MailhookStack(app, readSettings(context)) };
}

/** The template of the stack with these settings. */
export function templateWith(context: Readonly<Record<string, unknown>> = {}): Template {
  return Template.fromStack(stackWith(context).stack);
}
