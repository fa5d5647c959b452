import type { FilesDeps } from './deps.ts';
import { problemAnswer } from './problem-answer.ts';
import { type FileAnswer, type FileRequest, serveFile } from './serve-file.ts';

/** See `serveFile`; what goes wrong is logged, without the link, and answered with a 500. */
export async function answerRequest(deps: FilesDeps, request: FileRequest): Promise<FileAnswer> {
  try {
    return await serveFile(deps, request);
  } catch (error) {
    // The message may quote a path, and so a token.
    deps.log.error('files.failed', {
      error: error instanceof Error ? error.name : 'unknown',
      code: error instanceof Error && 'code' in error ? String(error.code) : null,
      at: error instanceof Error ? (/^\s+at (.*)$/m.exec(error.stack ?? '')?.[1] ?? null) : null,
    });
    return problemAnswer(500, 'internal', 'mailhook failed to answer: see its log');
  }
}
