import type { Dice } from './mail-content.ts';
import {
  crlf,
  type Draft,
  expectFile,
  filePart,
  multipart,
  part,
  randomBytes,
  setMultipart,
  textPart,
  words,
} from './mime-draft.ts';
import { base64, quotedPrintable } from './mime-encode.ts';
import type { MakeClass } from './mime-header-classes.ts';

const SOME_BYTES = 2_000;
const PNG = '\x89PNG\r\n\x1a\n';

function htmlOf(text: string): string {
  return `<html><body><p>${text}</p></body></html>\n`;
}

function alternative(dice: Dice, draft: Draft): void {
  const text = `${words(dice, 8)}\n`;
  const html = htmlOf(`<b>${words(dice, 8)}</b> é`);
  setMultipart(draft, 'alternative', [textPart(text), textPart(html, 'text/html')]);
  draft.manifest.text = text;
  draft.manifest.html = html;
}

/** HTML with pictures that it refers to by cid: links. */
function inlineImages(dice: Dice, draft: Draft): void {
  const cid = `img${dice.below(99_999)}@example.com`;
  const html = htmlOf(`<img src="cid:${cid}"> ${words(dice, 5)}`);
  const bytes = PNG + randomBytes(dice, dice.below(SOME_BYTES));
  const name = dice.chance(0.5) ? `logo${dice.below(99)}.png` : null;
  const image = filePart(draft, { type: 'image/png', name, bytes }, [
    `Content-Type: image/png${name === null ? '' : `; name="${name}"`}`,
    `Content-ID: <${cid}>`,
    ...(dice.chance(0.5) ? ['Content-Disposition: inline'] : []),
  ]);
  const text = `${words(dice, 4)}\n`;
  const related = part(
    ['Content-Type: multipart/related; boundary=rel'],
    multipart('rel', [textPart(html, 'text/html'), image]),
  );
  setMultipart(draft, 'alternative', [textPart(text), related]);
  draft.manifest.text = text;
  draft.manifest.html = html;
}

function mixed(dice: Dice, draft: Draft): void {
  const text = `${words(dice, 6)}\n`;
  const types = ['application/pdf', 'image/jpeg', 'text/csv', 'application/zip', 'application/octet-stream'];
  const files = Array.from({ length: 1 + dice.below(4) }, (_, index) =>
    filePart(draft, {
      ...{ type: dice.pick(types), name: `file ${index}.${dice.below(99)}.dat` },
      bytes: randomBytes(dice, dice.below(SOME_BYTES)),
    }),
  );
  setMultipart(draft, 'mixed', [textPart(text), ...files]);
  draft.manifest.text = text;
}

/** A text file as it stands, which must not lose a byte by being text. */
function plainFile(dice: Dice, draft: Draft): void {
  const bytes = `Grüße;${words(dice, 3)}\r\n`.repeat(1 + dice.below(9));
  const isQuoted = dice.chance(0.5);
  const file = { type: 'text/plain', name: `notes${dice.below(99)}.txt`, bytes };
  const text = `${words(dice, 6)}\n`;
  expectFile(draft, file);
  const fields = [
    `Content-Type: text/plain; charset=iso-8859-1; name="${file.name}"`,
    `Content-Disposition: attachment; filename="${file.name}"`,
    `Content-Transfer-Encoding: ${isQuoted ? 'quoted-printable' : '8bit'}`,
  ];
  setMultipart(draft, 'mixed', [textPart(text), part(fields, isQuoted ? quotedPrintable(bytes) : bytes)]);
  draft.manifest.text = text;
}

function signed(dice: Dice, draft: Draft): void {
  const text = `${words(dice, 7)}\n`;
  if (dice.chance(0.5)) {
    const file = { type: 'application/pkcs7-signature', name: 'smime.p7s', bytes: randomBytes(dice, 400) };
    const signature = filePart(draft, file);
    setMultipart(
      draft,
      'signed',
      [textPart(text), signature],
      '; protocol="application/pkcs7-signature"; micalg=sha-256',
    );
  } else {
    const bytes = `-----BEGIN PGP SIGNATURE-----\r\n\r\n${base64(randomBytes(dice, 90))}\r\n-----END PGP SIGNATURE-----`;
    const file = { type: 'application/pgp-signature', name: 'signature.asc', bytes };
    expectFile(draft, file);
    const signature = part(['Content-Type: application/pgp-signature; name="signature.asc"'], bytes);
    setMultipart(draft, 'signed', [textPart(text), signature], '; protocol="application/pgp-signature"');
  }
  draft.manifest.text = text;
}

function encrypted(dice: Dice, draft: Draft): void {
  const version = { type: 'application/pgp-encrypted', name: null, bytes: 'Version: 1' };
  const message = `-----BEGIN PGP MESSAGE-----\r\n\r\n${base64(randomBytes(dice, 300))}\r\n-----END PGP MESSAGE-----`;
  const file = { type: 'application/octet-stream', name: 'encrypted.asc', bytes: message };
  expectFile(draft, version);
  expectFile(draft, file);
  setMultipart(draft, 'encrypted', [
    part(['Content-Type: application/pgp-encrypted'], version.bytes),
    part(['Content-Type: application/octet-stream; name="encrypted.asc"'], message),
  ]);
  draft.manifest.text = null;
}

/** A bounce: words for people, a status for programs, the mail that came back. */
function report(dice: Dice, draft: Draft): void {
  const text = `${words(dice, 7)}\n`;
  const status = `Reporting-MTA: dns; mx.example.com\n\nFinal-Recipient: rfc822; b${dice.below(99)}@example.com\nStatus: 5.1.1\n`;
  const returned = embedded(dice);
  expectFile(draft, { type: 'message/rfc822', name: null, bytes: returned });
  const parts = [
    textPart(text),
    part(['Content-Type: message/delivery-status'], crlf(status)),
    part(['Content-Type: message/rfc822'], returned),
  ];
  setMultipart(draft, 'report', parts, '; report-type=delivery-status');
  delete draft.manifest.text;
  draft.manifest.textHas = [text, 'Status: 5.1.1'];
}

function embedded(dice: Dice): string {
  const text = textPart(`${words(dice, 6)}\n`, 'text/plain', `Subject: inner ${dice.below(999)}`);
  if (dice.chance(0.5)) return text;
  const fields = ['From: inner@example.com', 'Content-Type: multipart/mixed; boundary=inner'];
  return part(fields, multipart('inner', [text, part(['Content-Type: image/gif'], 'GIF89a')]));
}

/** A forwarded mail is one file, byte for byte, whatever it holds. */
function forwarded(dice: Dice, draft: Draft): void {
  const text = `${words(dice, 6)}\n`;
  const bytes = embedded(dice);
  const name = dice.chance(0.5) ? `mail${dice.below(99)}.eml` : null;
  expectFile(draft, { type: 'message/rfc822', name, bytes });
  const fields =
    name === null
      ? ['Content-Type: message/rfc822']
      : [
          `Content-Type: message/rfc822; name="${name}"`,
          `Content-Disposition: attachment; filename="${name}"`,
        ];
  setMultipart(draft, 'mixed', [textPart(text), part(fields, bytes)]);
  draft.manifest.text = text;
}

function tnef(dice: Dice, draft: Draft): void {
  const text = `${words(dice, 6)}\n`;
  const bytes = `\x78\x9f\x3e\x22${randomBytes(dice, 300)}`;
  const type = dice.pick(['application/ms-tnef', 'application/vnd.ms-tnef']);
  setMultipart(draft, 'mixed', [textPart(text), filePart(draft, { type, name: 'winmail.dat', bytes })]);
  draft.manifest.text = text;
}

/** An invitation beside the text, as an alternative and sometimes as a file too. */
function calendar(dice: Dice, draft: Draft): void {
  const text = `${words(dice, 6)}\n`;
  const ics = `BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:${dice.below(99_999)}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n`;
  const file = { type: 'text/calendar', name: null, bytes: ics };
  const invitation = filePart(draft, file, ['Content-Type: text/calendar; charset=utf-8; method=REQUEST']);
  const html = htmlOf(words(dice, 4));
  setMultipart(draft, 'alternative', [textPart(text), textPart(html, 'text/html'), invitation]);
  draft.manifest.text = text;
  draft.manifest.html = html;
}

/** A multipart in a multipart in a multipart, … */
function nested(dice: Dice, draft: Draft): void {
  const text = `${words(dice, 6)}\n`;
  const file = filePart(draft, { type: 'image/gif', name: 'deep.gif', bytes: randomBytes(dice, 99) });
  let inner = textPart(text);
  const depth = 2 + dice.below(12);
  for (let level = 0; level < depth; level += 1) {
    const parts = level === 0 ? [inner, file] : [inner];
    inner = part([`Content-Type: multipart/mixed; boundary=l${level}`], multipart(`l${level}`, parts));
  }
  setMultipart(draft, 'mixed', [inner]);
  draft.manifest.text = text;
}

/** Classes that are made of several parts, and right. */
export const MULTIPART_CLASSES: Readonly<Record<string, MakeClass>> = {
  alternative,
  'inline images': inlineImages,
  mixed,
  'text files': plainFile,
  signed,
  encrypted,
  report,
  'embedded mails': forwarded,
  TNEF: tnef,
  calendar,
  nested,
};
