import { App } from 'aws-cdk-lib';
import { readSettings, SettingsError } from './settings.ts';
import { MailhookStack } from './stack.ts';

const app = new App();
try {
  new MailhookStack(app, readSettings(app.node.getAllContext()));
  app.synth();
} catch (error) {
  if (!(error instanceof SettingsError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
