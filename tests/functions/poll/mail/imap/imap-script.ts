import type { Chunk, Step } from '../../../../support/scripted-server.ts';

/**
 * One answered command: a pattern behind the tag, untagged lines (or bytes as they are), the completion. `before` is called
 * when the command has come.
 */
export function answer(
  pattern: string,
  untagged: readonly Chunk[] = [],
  completion: string | null = 'OK Done',
  before: () => void = () => undefined,
): Step {
  return {
    expect: new RegExp(`^(\\w+) ${pattern}$`),
    send: ([, tag]) => {
      before();
      const lines = untagged.map((one) =>
        typeof one === 'string' ? Buffer.from(`${one}\r\n`) : Buffer.from(one),
      );
      const end = completion === null ? '' : `${tag} ${completion}\r\n`;
      return [Buffer.concat([...lines, Buffer.from(end)])].filter(({ length }) => length > 0);
    },
  };
}

/** The steps of a greeting and a login; `capabilities` are offered besides IMAP4rev1. */
export function loggedIn(capabilities = ''): Step[] {
  const all = `IMAP4rev1 ${capabilities}`.trim();
  return [
    { send: ['* OK Ready\r\n'] },
    answer('CAPABILITY', [`* CAPABILITY ${all}`]),
    answer('LOGIN .*', [], `OK [CAPABILITY ${all}] Logged in`),
    answer('LIST "" ""', ['* LIST (\\Noselect) "/" ""']),
  ];
}

/** The steps of opening INBOX; null leaves a line out. */
export function opened(
  box: {
    readonly exists?: number | null;
    readonly uidNext?: number | null;
    readonly uidValidity?: number | null;
    readonly more?: readonly string[];
    readonly completion?: string;
    readonly before?: () => void;
  } = {},
): Step[] {
  const {
    exists = 3,
    uidNext = 4,
    uidValidity = 7,
    more = [],
    completion = 'OK [READ-WRITE] Opened',
    before,
  } = box;
  return [
    answer(
      '(?:SELECT|EXAMINE) "?INBOX"?',
      [
        exists === null ? [] : [`* ${exists} EXISTS`],
        uidNext === null ? [] : [`* OK [UIDNEXT ${uidNext}] Next`],
        uidValidity === null ? [] : [`* OK [UIDVALIDITY ${uidValidity}] Valid`],
        more,
      ].flat(),
      completion,
      before,
    ),
  ];
}

/** What imapflow asks before it opens INBOX, unless it takes it for known. */
export function looked(): Step[] {
  return [answer('LIST "" "?INBOX"?', ['* LIST () "/" INBOX']), answer('LSUB "" "?INBOX"?')];
}

/** A row of a listing. */
export function listRow(uid: number, size = 100, seq = uid): string {
  return `* ${seq} FETCH (UID ${uid} FLAGS () INTERNALDATE "01-Jan-2026 10:00:00 +0000" RFC822.SIZE ${size})`;
}

/** A row with a body. */
export function bodyRow(uid: number, body: string | Uint8Array, seq = uid): Buffer {
  const bytes = Buffer.from(body);
  return Buffer.concat([
    Buffer.from(`* ${seq} FETCH (UID ${uid} BODY[]<0> {${bytes.length}}\r\n`),
    bytes,
    Buffer.from(')\r\n'),
  ]);
}
