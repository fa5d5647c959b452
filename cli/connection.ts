import type { RequestOptions } from 'node:https';
import type { ApiError, ProblemBody } from './errors.ts';

/** The methods that the API takes. */
export type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

/** One request as the commands make it. */
export interface Outgoing {
  readonly method: Method;
  /** Path and query, escaped. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly payload: Buffer | null;
}

/** The same as it goes out, with the proof of who asks. */
interface Prepared {
  /** Where the connection goes. */
  readonly url: URL;
  /** `servername` only where the Host header names another host than the URL. */
  readonly options: Pick<RequestOptions, 'headers' | 'servername'>;
}

/** One way to the API, and the words for what goes wrong on it: one line each. */
export interface Connection {
  prepare(request: Outgoing): Promise<Prepared>;
  /** No answer came. */
  unreachable(cause: Error): string;
  /** An answer that is not a success; `problem` is null when it has not the form of mailhook's, and `text` is its body. */
  refusal(status: number, problem: ProblemBody | null, text: string): ApiError;
  /** An answer that is a success and is not JSON. */
  notJson(): string;
}
