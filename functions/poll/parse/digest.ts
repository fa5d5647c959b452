import { hash } from 'node:crypto';
import { firstField, type HeaderSection, readHeaderSection, withLineFeeds } from './headers.ts';

/** What tells mails apart when their places lost their meaning. */
interface DigestParts {
  /** The values of the first field of each name as they stand, not decoded; null when missing. */
  readonly messageId: string | null;
  readonly date: string | null;
  readonly from: string | null;
  readonly subject: string | null;
  readonly sizeBytes: number;
}

/**
 * Lower-case hex SHA-256 over the parts, each ended by a zero byte. White space counts as one space, since servers fold
 * and end lines their own way. The fields go in as they stand, so the digest of a mail outlives every change to how
 * mailhook decodes.
 */
export function messageDigest(parts: DigestParts): string {
  const texts = [parts.messageId, parts.date, parts.from, parts.subject].map((text) =>
    (text ?? '').replace(/[ \t\r\n]+/g, ' ').trim(),
  );
  return hash('sha256', [...texts, String(parts.sizeBytes), ''].join('\0'));
}

/** The digest of a message of which only the header section is there; the same as of the whole message. */
export function digestOfHead(head: Buffer, sizeBytes: number): string {
  return digestOfSection(readHeaderSection(withLineFeeds(head)), sizeBytes);
}

/** The digest of a message whose header section was read already. */
export function digestOfSection(section: HeaderSection, sizeBytes: number): string {
  const raw = (key: string) => firstField(section, key)?.value.toString('latin1') ?? null;
  return messageDigest({
    messageId: raw('message-id'),
    date: raw('date'),
    from: raw('from'),
    subject: raw('subject'),
    sizeBytes,
  });
}
