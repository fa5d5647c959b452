import { invalidRequest, type Problem, problem } from './problem.ts';

/** No settings are that large; what is larger is not read to its end. */
const MAX_BODY_BYTES = 1_048_576;

/** The body of a request as text, empty when there is none; a 413 when it is too large, whatever length it claims, a 400 when it is not UTF-8. */
export async function readText(request: Request): Promise<string | Problem> {
  const tooLarge = problem(413, 'too-large', `The body has more than ${MAX_BODY_BYTES} bytes`);
  if (Number(request.headers.get('content-length')) > MAX_BODY_BYTES) return tooLarge;
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of request.body ?? []) {
    sizeBytes += chunk.byteLength;
    if (sizeBytes > MAX_BODY_BYTES) return tooLarge;
    chunks.push(chunk);
  }
  try {
    // Bytes that are no text must not become another password than the one that was sent.
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
  } catch {
    return invalidRequest([{ path: '', message: 'The body is not UTF-8' }]);
  }
}
