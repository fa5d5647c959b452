import { contentOf, Dice, type MailKind, makeStock, type Stock, utf8 } from './mail-content.ts';

/** The average of the mails that the design's figures are measured with: 2,000 of 55.7 MB. */
const AVERAGE_BYTES = 27_850;

/** How often a kind comes, and how its sizes lie: most mails are small, attachments make most of the bytes. */
const SHAPES: Readonly<Record<MailKind, { share: number; median: number; spread: number }>> = {
  plain: { share: 0.35, median: 3_000, spread: 0.9 },
  alternative: { share: 0.3, median: 12_000, spread: 0.8 },
  html: { share: 0.15, median: 16_000, spread: 0.8 },
  attachment: { share: 0.2, median: 70_000, spread: 0.9 },
};
const KINDS = ['plain', 'alternative', 'html', 'attachment'] as const;

const PEOPLE = ['Ana Lima', 'Bob Stone', 'Zoë Müller', '山田太郎', "Chris O'Neil", 'Iva Petrović', 'Support'];
const DOMAINS = ['example.com', 'example.org', 'mail.example.net', 'shop.example'];
const SUBJECTS = [
  'Invoice',
  'Re: meeting on Monday',
  'Ihre Bestellung – Übersicht',
  '会議の件',
  'Weekly report',
  'Fwd: fyi',
];

/** How the mails are to come out. */
interface MailPlan {
  /** The same seed gives the same mails, on every machine. */
  readonly seed: number;
  readonly count: number;
  /** About the sum of their sizes. @default 27,850 for each, so that 2,000 are the 55.7 MB of the design's figures */
  readonly totalBytes?: number;
}

/**
 * Mixed mails as real mailboxes hold them: plain, html, both, files in base64; us-ascii, UTF-8 and ISO 8859-1, quoted
 * or in 8 bits; lines that begin with dots, lines beyond 998 characters; encoded subjects and names. CRLF throughout,
 * every mail ends with CRLF and has a Message-ID of its own.
 */
export function generateMails(plan: MailPlan): Buffer[] {
  const dice = new Dice(plan.seed);
  const stock = makeStock(dice);
  const drafts = Array.from({ length: plan.count }, () => {
    const kind = pickKind(dice);
    const { median, spread } = SHAPES[kind];
    return { kind, weight: median * Math.exp(spread * gauss(dice)) };
  });
  const sum = drafts.reduce((total, draft) => total + draft.weight, 0);
  const scale = (plan.totalBytes ?? plan.count * AVERAGE_BYTES) / Math.max(1, sum);
  return drafts.map((draft, index) =>
    makeMail(dice, stock, draft.kind, draft.weight * scale, plan.seed, index),
  );
}

function pickKind(dice: Dice): MailKind {
  let left = dice.unit();
  for (const kind of KINDS) {
    left -= SHAPES[kind].share;
    if (left < 0) return kind;
  }
  return 'plain';
}

/** Roughly normal, between -3 and 3: the sum of twelve uniform numbers. */
function gauss(dice: Dice): number {
  let sum = -6;
  for (let i = 0; i < 12; i += 1) sum += dice.unit();
  return Math.max(-3, Math.min(3, sum));
}

function makeMail(
  dice: Dice,
  stock: Stock,
  kind: MailKind,
  size: number,
  seed: number,
  index: number,
): Buffer {
  const fields = headerFields(dice, `${seed}.${index}`);
  const length = fields.join('\r\n').length;
  // Boundaries and the fields of the parts take some 300 bytes more.
  const content = contentOf(dice, stock, kind, Math.max(40, size - length - 300));
  const head = [...fields, 'MIME-Version: 1.0', ...content.fields].join('\r\n');
  return Buffer.from(`${head}\r\n\r\n${content.body}`, 'latin1');
}

function headerFields(dice: Dice, id: string): string[] {
  const domain = dice.pick(DOMAINS);
  const date = new Date(Date.UTC(2026, dice.below(11), 1 + dice.below(28), dice.below(24), dice.below(60)));
  const at = date.toUTCString().replace('GMT', '+0000');
  const hops = Array.from(
    { length: 1 + dice.below(4) },
    (_, hop) =>
      `Received: from mx${hop}.${domain} (mx${hop}.${domain} [192.0.2.${dice.below(256)}])\r\n` +
      `\tby relay.example.net with ESMTPS id ${dice.below(2 ** 31).toString(36)}\r\n\tfor <inbox@example.org>; ${at}`,
  );
  const fields = [
    `Return-Path: <bounce@${domain}>`,
    ...hops,
    ...(dice.chance(0.5) ? [signature(dice, randomText(dice), domain)] : []),
    `From: ${mailbox(dice, domain)}`,
    `To: ${Array.from({ length: 1 + dice.below(3) }, () => mailbox(dice, 'example.org')).join(',\r\n ')}`,
    ...(dice.chance(0.3) ? [`Cc: ${mailbox(dice, 'example.org')}`] : []),
    `Subject: ${encoded(`${dice.pick(SUBJECTS)} ${id}`, dice)}`,
    `Date: ${at}`,
    `Message-ID: <${id}@${domain}>`,
  ];
  if (dice.chance(0.4)) {
    const references = Array.from(
      { length: 1 + dice.below(6) },
      () => `<${dice.below(2 ** 31)}@example.org>`,
    );
    fields.push(`In-Reply-To: ${references.at(-1)}`, `References: ${references.join('\r\n ')}`);
  }
  if (dice.chance(0.25)) {
    fields.push(`List-Id: News <news.${domain}>`, `List-Unsubscribe: <https://${domain}/u/${id}>`);
  }
  return fields;
}

function mailbox(dice: Dice, domain: string): string {
  const address = `user${dice.below(500)}@${domain}`;
  return dice.chance(0.2) ? address : `${phrase(dice.pick(PEOPLE))} <${address}>`;
}

function phrase(name: string): string {
  return /^[\x20-\x7e]*$/.test(name) ? `"${name}"` : `=?UTF-8?B?${Buffer.from(name).toString('base64')}?=`;
}

/** A subject as an encoded word, and sometimes as the bare UTF-8 of RFC 6532. */
function encoded(subject: string, dice: Dice): string {
  if (/^[\x20-\x7e]*$/.test(subject)) return subject;
  return dice.chance(0.2) ? utf8(subject) : `=?UTF-8?B?${Buffer.from(subject).toString('base64')}?=`;
}

function randomText(dice: Dice): string {
  return Array.from({ length: 32 }, () => dice.below(2 ** 31).toString(36)).join('');
}

function signature(dice: Dice, text: string, domain: string): string {
  const fields = `v=1; a=rsa-sha256; d=${domain}; s=s${dice.below(9)};\r\n h=from:to:subject:date:message-id;`;
  return `DKIM-Signature: ${fields}\r\n b=${text.match(/.{1,70}/g)?.join('\r\n  ')}`;
}
