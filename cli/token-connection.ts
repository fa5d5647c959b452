import type { Connection } from './connection.ts';
import { ApiError, notMailhook } from './errors.ts';
import { readApiSettings } from './settings.ts';

/** The way to a mailhook that takes a token: the one on this machine, as a rule. Throws UsageError. */
export async function connectWithToken(env: NodeJS.ProcessEnv): Promise<Connection> {
  const { url, token, tokenSource, urlSource } = await readApiSettings(env);
  return {
    prepare({ target, headers }) {
      const proof = token === null ? {} : { authorization: `Bearer ${token}` };
      return Promise.resolve({
        url: new URL(url.pathname.replace(/\/$/, '') + target, url),
        options: { headers: { ...headers, ...proof } },
      });
    },
    unreachable(cause) {
      const where = `Cannot reach mailhook at ${url.origin}`;
      const isRefused = 'code' in cause && cause.code === 'ECONNREFUSED';
      return isRefused ? `${where}: is it running? Start it with npm start` : `${where}: ${cause.message}`;
    },
    refusal(status, problem) {
      if (problem === null) {
        return notMailhook(
          `${url.origin} answered ${status}, and not as mailhook does: is ${urlSource} right?`,
        );
      }
      if (status !== 401) return new ApiError(problem.detail, problem);
      const state = token === null ? 'There is no token in' : 'The server refuses the token of';
      const hint =
        tokenSource === 'MAILHOOK_TOKEN'
          ? 'give the one in the file "token" of its data folder'
          : 'is MAILHOOK_DATA the data folder of that server?';
      return new ApiError(`${state} ${tokenSource}: ${hint}`, problem);
    },
    notJson: () => `The answer is not JSON: is ${urlSource} right?`,
  };
}
