import { Duration } from 'aws-cdk-lib';
import { type FunctionUrl, FunctionUrlAuthType, InvokeMode } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { LambdaFunction } from './lambda-function.ts';
import type { Settings } from './settings.ts';
import type { Storage } from './storage.ts';

interface FilesProps {
  readonly settings: Settings;
  readonly storage: Storage;
}

/**
 * Attachments and raw mail behind capability links, at a Function URL that anybody may ask: what a request may have is decided
 * by the token in its link. The function opens no secrets, and refers to no other, so that all others may know its URL.
 */
export class Files extends Construct {
  readonly files: LambdaFunction;
  readonly url: FunctionUrl;

  constructor(scope: Construct, id: string, { settings, storage }: FilesProps) {
    super(scope, id);
    this.files = new LambdaFunction(this, 'Files', {
      name: 'files',
      description: 'Serves attachments and raw mail to whoever has the link',
      settings,
      storage,
      // A mail of 64 MB and the parser that cuts its attachments.
      memoryMb: 1_024,
      // A slow client may take its time.
      timeout: Duration.minutes(5),
      reservedConcurrency: settings.filesConcurrency,
      environment: {
        bucket: storage.bucket.bucketName,
        linkDays: String(settings.linkDays),
      },
    });
    const { role } = this.files;
    storage.grantEvents(role);
    storage.grantBlobs(role, 'Get', ['raw', 'event']);
    this.url = this.files.lambda.addFunctionUrl({
      authType: FunctionUrlAuthType.NONE,
      // A buffered answer may hold 6 MB.
      invokeMode: InvokeMode.RESPONSE_STREAM,
    });
  }
}
