import { parseDate } from './date.ts';
import { firstField, readHeaderSection, withLineFeeds } from './headers.ts';

/**
 * When a message arrived, by its header section alone: what the last server wrote into the first Received field, behind its
 * last semicolon (RFC 5321 section 4.4), else the Date that its sender gave it.
 *
 * @returns ISO 8601 UTC; null when neither is a date.
 */
export function arrivalOfHead(head: Buffer): string | null {
  const section = readHeaderSection(withLineFeeds(head));
  const text = (key: string) => firstField(section, key)?.value.toString('latin1') ?? '';
  const received = text('received');
  return parseDate(received.slice(received.lastIndexOf(';') + 1)) ?? parseDate(text('date'));
}
