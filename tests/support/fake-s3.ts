import { GetObjectCommand, PutObjectCommand, S3Client, S3ServiceException } from '@aws-sdk/client-s3';

/** A bucket in memory that says no, as S3 does, to a second object of a name; `refuseOnce` gives the next PUT this status. */
export function createFakeS3() {
  const objects = new Map<string, string>();
  let refusal: number | null = null;
  const requests: string[] = [];
  const client = new S3Client({ region: 'memory' });
  const send = async (command: object): Promise<object> => {
    if (command instanceof PutObjectCommand) {
      const { Key: key = '', Body: body, IfNoneMatch: condition } = command.input;
      requests.push(`PUT ${key}`);
      const status = refusal ?? (condition === '*' && objects.has(key) ? 412 : null);
      refusal = null;
      if (status !== null) throw failure(status);
      objects.set(key, String(body));
      return {};
    }
    if (!(command instanceof GetObjectCommand)) throw new TypeError('The fake S3 does not know this command');
    const text = objects.get(command.input.Key ?? '');
    requests.push(`GET ${command.input.Key}`);
    if (text === undefined) throw failure(403);
    return { Body: { transformToString: async () => text } };
  };
  client.send = send as S3Client['send'];
  const refuseOnce = (status: number) => {
    refusal = status;
  };
  return { client, objects, requests, refuseOnce };
}

function failure(status: number): S3ServiceException {
  const metadata = { httpStatusCode: status };
  return new S3ServiceException({ name: `Status${status}`, $fault: 'client', $metadata: metadata });
}
