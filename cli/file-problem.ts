const PROBLEMS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EISDIR: 'it is a folder',
  EACCES: 'you may not read it',
};

/** Why a file could not be read, for the end of a sentence: `there is no such file (ENOENT)`. */
export function fileProblem(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
  const reason = PROBLEMS[code];
  return reason === undefined ? code : `${reason} (${code})`;
}
