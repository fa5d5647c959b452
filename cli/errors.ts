/** RFC 9457 problem details as the API sends them. */
export interface ProblemBody {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly errors?: readonly { readonly path: string; readonly message: string }[];
}

/** The command was wrong: exit code 2. The message is one line. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The server refused, failed or cannot be reached: exit code 1, or 2 when it says that the request was not valid. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly problem: ProblemBody;

  constructor(message: string, problem: ProblemBody, options?: ErrorOptions) {
    super(message, options);
    this.problem = problem;
  }
}

/** What went wrong on this side of the API: exit code 1. `code` and `title` are a problem's, `detail` is the one line for a person. */
export function localError(code: string, title: string, detail: string, cause?: unknown): ApiError {
  const problem = { type: `urn:mailhook:problem:${code}`, title, status: 503, detail, code };
  return new ApiError(detail, problem, { cause });
}

/** What answered is not mailhook. */
export function notMailhook(detail: string): ApiError {
  return localError('not-mailhook', 'This is not mailhook', detail);
}
