import { InvokeCommand, type LambdaClient } from '@aws-sdk/client-lambda';
import type { AttachmentContents } from '../ports/attachment-contents.ts';
import type { FilesInvocation } from './invocation.ts';

interface InvokeContentsOptions {
  readonly client: LambdaClient;
  readonly filesFunction: string;
}

/**
 * Reads attachments by invoking the files function: so what holds webhook secrets neither parses mail nor may read it. Throws
 * when that function fails.
 */
export function createInvokeContents({ client, filesFunction }: InvokeContentsOptions): AttachmentContents {
  return async (eventId, ids) => {
    const payload: FilesInvocation = { operation: 'readContents', eventId, ids };
    const answer = await client.send(
      new InvokeCommand({
        FunctionName: filesFunction,
        Payload: Buffer.from(JSON.stringify(payload), 'utf8'),
      }),
    );
    if (answer.FunctionError !== undefined) {
      throw new Error(`Cannot read attachments: ${filesFunction} failed, see its log`);
    }
    // Both ends are of one deployment.
    return JSON.parse(answer.Payload?.transformToString() ?? '{}') as Record<string, string>;
  };
}
