import type { ReceivedRequest } from '../support/receiver.ts';
import type { Answer } from '../support/receiver-answers.ts';

/** A mail of the crash tests, by its subject, and what is to become of it. */
export interface CrashMail {
  readonly subject: string;
  readonly raw: Buffer;
  /** `settled`: a webhook takes it. `refused`: the webhook never takes it. `old`: it was there before mailhook. */
  readonly fate: 'settled' | 'refused' | 'old';
}

/** Larger than what embedded blobs keep in a row, as a mail and as an event. */
const LARGE_TEXT_LINES = 6_000;

const FATES: readonly (readonly [string, CrashMail['fate']])[] = [
  ['small', 'settled'],
  ['large', 'settled'],
  ['bulky', 'settled'],
  ['refused', 'refused'],
];

/** In the mailbox before the account is added; the last one is deleted by its owner soon after. */
export const OLD_MAILS = [mailOf('old', 'old'), mailOf('older', 'old')];
/** They arrive after the baseline and before the first crash. */
export const MAILS = FATES.map(([subject, fate]) => mailOf(subject, fate));
/** Arrives while the process is dead. */
export const LATE_MAIL = mailOf('late', 'settled');

/** A mail of one line, or of many where its subject says so. */
export function mailOf(subject: string, fate: CrashMail['fate']): CrashMail {
  const lines = subject === 'large' ? LARGE_TEXT_LINES : 1;
  const head = [
    'From: ana@example.com',
    'To: hook@example.com',
    `Subject: ${subject}`,
    `Message-ID: <${subject}@example.com>`,
    'Date: Wed, 25 Nov 2026 08:00:00 +0000',
  ];
  const text = 'A line that begins like any other, and ends like one, 72 bytes wide, no.\r\n'.repeat(lines);
  return { subject, fate, raw: Buffer.from(`${head.join('\r\n')}\r\n\r\n${text}`) };
}

/** The receiver's answers: "bulky" is too large unless it comes without its text, "refused" is never to be sent again. */
export function answerOf({ body }: Pick<ReceivedRequest, 'body'>): Answer {
  const { data } = JSON.parse(body.toString()) as { data: { subject?: string; text?: string | null } };
  if (data.subject === 'bulky' && data.text !== null) return 413;
  if (data.subject === 'refused') return { status: 400, headers: { 'webhook-delivery': 'abort-message' } };
  return 200;
}
