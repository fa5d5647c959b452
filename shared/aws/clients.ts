/** How the SDK's clients call AWS: a call that hangs is given up and made again, well within an invocation. */
export const CLIENT_OPTIONS = {
  maxAttempts: 4,
  requestHandler: {
    connectionTimeout: 2_000,
    requestTimeout: 10_000,
    // Without it the SDK only warns of a request that takes too long.
    throwOnRequestTimeout: true,
  },
} as const;

/** The same for S3, where one request may carry a mail of many megabytes. */
export const S3_OPTIONS = {
  ...CLIENT_OPTIONS,
  requestHandler: { ...CLIENT_OPTIONS.requestHandler, requestTimeout: 60_000 },
} as const;

/** For invoking a function, which answers when it has done its work: as late as after a quarter of an hour. */
export const INVOKE_OPTIONS = {
  ...CLIENT_OPTIONS,
  requestHandler: { connectionTimeout: 2_000, requestTimeout: 15 * 60_000, throwOnRequestTimeout: true },
} as const;

/** The same for reading attachments: as long as a dispatch function can wait and still post. */
export const CONTENTS_OPTIONS = {
  ...CLIENT_OPTIONS,
  // A second try would come too late; the delivery is attempted again.
  maxAttempts: 1,
  requestHandler: { ...CLIENT_OPTIONS.requestHandler, requestTimeout: 20_000 },
} as const;

/** The same for what must not be done twice: the answer of an invocation may be lost after the function has done its work. */
export const INVOKE_ONCE_OPTIONS = { ...INVOKE_OPTIONS, maxAttempts: 1 } as const;
