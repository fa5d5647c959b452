import type { FileAnswer } from './serve-file.ts';

/** An answer without a file, as problem details (RFC 9457). */
export function problemAnswer(
  status: number,
  code: string,
  title: string,
  headers: Readonly<Record<string, string>> = {},
): FileAnswer & { readonly body: string } {
  const body = JSON.stringify({ type: `urn:mailhook:problem:${code}`, title, status, code });
  return {
    status,
    headers: {
      'content-type': 'application/problem+json',
      'content-length': String(Buffer.byteLength(body)),
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      ...headers,
    },
    body,
  };
}
