/** A mailbox name on the wire of IMAP4rev1: modified UTF-7 (RFC 3501 section 5.1.3). */
export function encodeMailboxName(name: string): string {
  return name.replace(/&|[^ -~]+/g, (run) => {
    if (run === '&') return '&-';
    const base64 = Buffer.from(run, 'utf16le').swap16().toString('base64');
    return `&${base64.replace(/=+$/, '').replaceAll('/', ',')}-`;
  });
}

/** The name that `encodeMailboxName` writes; what is not in that form stays as it is. */
export function decodeMailboxName(wire: string): string {
  return wire.replace(/&([A-Za-z0-9+,]*)-/g, (_, run: string) => {
    if (run === '') return '&';
    const bytes = Buffer.from(run.replaceAll(',', '/'), 'base64');
    const whole = bytes.subarray(0, bytes.length - (bytes.length % 2));
    return Buffer.from(whole).swap16().toString('utf16le');
  });
}
