import { CfnOutput, Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { Admin } from './admin.ts';
import { Dispatching } from './dispatching.ts';
import { Files } from './files.ts';
import { Monitoring } from './monitoring.ts';
import { Planning } from './planning.ts';
import { Polling } from './polling.ts';
import type { Settings } from './settings.ts';
import { Storage } from './storage.ts';

/** All of mailhook in one stack. The ids of the constructs are a contract: another id is another table. */
export class MailhookStack extends Stack {
  constructor(scope: Construct, settings: Settings) {
    super(scope, settings.name, {
      description: 'mailhook: turns mailboxes into signed webhooks',
      analyticsReporting: false,
      terminationProtection: settings.removalPolicy === 'retain',
    });
    const storage = new Storage(this, 'Storage', { settings });
    const { files, url: filesUrl } = new Files(this, 'Files', { settings, storage });
    const { dispatch, jobs: deliveries } = new Dispatching(this, 'Dispatching', { settings, storage, files });
    const { poll, jobs: polls } = new Polling(this, 'Polling', { settings, storage, deliveries, filesUrl });
    const { plan, sweep } = new Planning(this, 'Planning', { settings, storage, polls, deliveries });
    const { admin, url, access } = new Admin(this, 'Admin', { settings, storage, poll, dispatch });
    const { dashboard, topic } = new Monitoring(this, 'Monitoring', {
      settings,
      storage,
      queues: { polls, deliveries },
      functions: { plan, poll, dispatch, admin, files, sweep },
    });
    const outputs: Readonly<Record<string, string | undefined>> = {
      AdminUrl: url.url,
      FilesUrl: filesUrl.url,
      AdminAccessPolicy: access.managedPolicyArn,
      Table: storage.table.tableName,
      Bucket: storage.bucket.bucketName,
      PollsQueue: polls.queue.queueUrl,
      PollsDeadLetters: polls.deadLetters.queueUrl,
      DeliveriesQueue: deliveries.queue.queueUrl,
      DeliveriesDeadLetters: deliveries.deadLetters.queueUrl,
      MailboxKey: storage.keys['mailbox-credential'].keyArn,
      WebhookKey: storage.keys['webhook-secret'].keyArn,
      Dashboard: dashboard.dashboardName,
      AlarmTopic: topic?.topicArn,
    };
    for (const [name, value] of Object.entries(outputs)) {
      if (value !== undefined) new CfnOutput(this, name, { value });
    }
  }
}
