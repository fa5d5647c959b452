import type { Dice } from './mail-content.ts';
import {
  crlf,
  type Draft,
  expectFile,
  filePart,
  multipart,
  part,
  randomBytes,
  setField,
  setMultipart,
  textPart,
  words,
} from './mime-draft.ts';
import { base64, encodeCharset, quotedPrintable, uuencode } from './mime-encode.ts';
import type { MakeClass } from './mime-header-classes.ts';

/** Quoted-printable with what is not: a lone `=`, lower-case digits, blanks behind a soft line end, a cut at the end. */
function quotedErrors(dice: Dice, draft: Draft): void {
  const said = words(dice, 5);
  const variants: readonly (readonly [string, string])[] = [
    [`${said} 1 = 2 =ZZ\r\n`, `${said} 1 = 2 =ZZ\n`],
    [`${said} gr=c3=bcn\r\n`, `${said} grün\n`],
    [`${said} one=   \r\ntwo\r\n`, `${said} onetwo\n`],
    [`${said} raw \xc3\xbc\r\n`, `${said} raw ü\n`],
    [`${said} blanks   \r\nnext\r\n`, `${said} blanks\nnext\n`],
    [`${said}=`, said],
    [`${said} ${'x'.repeat(2_000)}\r\n`, `${said} ${'x'.repeat(2_000)}\n`],
  ];
  const [body, text] = dice.pick(variants);
  setField(draft, 'Content-Type', 'text/plain; charset=utf-8');
  setField(draft, 'Content-Transfer-Encoding', 'quoted-printable');
  draft.body = body;
  draft.manifest.text = text;
}

/** Base64 with what is not: blanks, foreign characters, no padding, lines of any length. */
function base64Errors(dice: Dice, draft: Draft): void {
  const text = `${words(dice, 5)}\n`;
  const bytes = randomBytes(dice, 50 + dice.below(500));
  const file = { type: 'application/pdf', name: 'a.pdf', bytes };
  expectFile(draft, file);
  const right = base64(bytes);
  const spoiled = dice.pick([
    right.replace(/=+$/, ''),
    right.replaceAll('\r\n', ''),
    right.replaceAll('\r\n', ' \r\n\r\n'),
    right.replace(/^(.{10})/, '$1!*-'.replace('-', '')),
    `\r\n\r\n${right}`,
    right.replace(/(.{4})/g, '$1 '),
  ]);
  const fields = [
    'Content-Type: application/pdf; name="a.pdf"',
    'Content-Disposition: attachment; filename="a.pdf"',
    'Content-Transfer-Encoding: base64',
  ];
  setMultipart(draft, 'mixed', [textPart(text), part(fields, spoiled)]);
  draft.manifest.text = text;
}

/** The boundary that the header names never occurs, or there is none: what is there is the text. */
function boundaryNever(dice: Dice, draft: Draft): void {
  const said = words(dice, 8);
  const type = dice.pick([
    'multipart/mixed; boundary=other',
    'multipart/alternative',
    'multipart/mixed; boundary=""',
  ]);
  setField(draft, 'Content-Type', type);
  draft.body = multipart('=_b1', [textPart(`${said}\n`)]);
  delete draft.manifest.text;
  draft.manifest.textHas = [said];
  draft.manifest.hasProblem = true;
}

/** The mail ends before its close delimiter, or in the middle of it. */
function boundaryUnended(dice: Dice, draft: Draft): void {
  const text = `${words(dice, 8)}\n`;
  const file = filePart(draft, { type: 'image/gif', name: 'a.gif', bytes: randomBytes(dice, 200) });
  setMultipart(draft, 'mixed', [textPart(text), file]);
  draft.body = draft.body.replace(/--=_b1--\r\n$/, dice.pick(['', '--=_b1', '--=_b1-', '--=_b1--']));
  draft.manifest.text = text;
}

/** No empty line behind the header of the mail or of a part, and text that is no field. Line ends behind it are not stated. */
function emptyLineMissing(dice: Dice, draft: Draft): void {
  const text = `${words(dice, 8)}\n`;
  delete draft.manifest.text;
  draft.manifest.textHas = [text];
  if (dice.chance(0.5)) {
    draft.lineEnd = '';
    for (const [name, field] of draft.fields) draft.fields.set(name, `${field}\r\n`);
    draft.body = crlf(text);
    return;
  }
  const file = filePart(draft, { type: 'image/gif', name: 'a.gif', bytes: randomBytes(dice, 200) });
  setMultipart(draft, 'mixed', [textPart(text).replace('\r\n\r\n', '\r\n'), file]);
}

/** Behind the close delimiter stands what no attachment may take in. */
function closeDelimiterJunk(dice: Dice, draft: Draft): void {
  const text = `${words(dice, 8)}\n`;
  const file = filePart(draft, { type: 'image/gif', name: 'a.gif', bytes: randomBytes(dice, 200) });
  setMultipart(draft, 'mixed', [textPart(text), file]);
  const junk = dice.pick(['-->', '--   ', '--\tx', '--,']);
  draft.body = draft.body.replace(/--=_b1--\r\n$/, `--=_b1${junk}\r\nQUJDRA==\r\nSome list footer\r\n`);
  draft.manifest.text = text;
}

/** Preamble, epilogue and empty parts are no text. */
function emptyParts(dice: Dice, draft: Draft): void {
  const text = `${words(dice, 8)}\n`;
  const empty = dice.pick([textPart(''), part(['Content-Type: text/plain'], ''), textPart('', 'text/html')]);
  setMultipart(draft, 'mixed', dice.chance(0.5) ? [textPart(text), empty] : [empty, textPart(text)]);
  draft.body = `This is a mail in MIME format.\r\n${draft.body}\r\nEpilogue ${dice.below(999)}\r\n`;
  draft.manifest.text = text;
}

/** Line ends of other systems, all through the mail. */
function bareLineEnds(dice: Dice, draft: Draft): void {
  const text = `${words(dice, 8)}\n${words(dice, 3)}\n`;
  const bytes = randomBytes(dice, 300);
  const file = filePart(draft, { type: 'image/gif', name: 'a.gif', bytes });
  if (dice.chance(0.5)) setMultipart(draft, 'mixed', [textPart(text), file]);
  else {
    draft.manifest.attachments.pop();
    draft.body = crlf(text);
  }
  const end = dice.pick(['\n', '\r']);
  for (const [name, field] of draft.fields) draft.fields.set(name, field.replaceAll('\r\n', end));
  draft.body = draft.body.replaceAll('\r\n', end);
  // POP3 ends every message with CRLF, whatever it holds.
  if (end === '\r' && dice.chance(0.5)) draft.body += '\r\n';
  draft.manifest.text = text;
  draft.lineEnd = end;
}

function nulBytes(dice: Dice, draft: Draft): void {
  const said = words(dice, 4);
  setField(draft, 'Content-Type', 'text/plain; charset=utf-8');
  draft.body = `${said}\0${said}\r\n`;
  draft.manifest.text = `${said}\ufffd${said}\n`;
}

/** A body alone, behind an empty line. */
function noHeader(dice: Dice, draft: Draft): void {
  const text = `${words(dice, 5)}\n`;
  draft.fields.clear();
  draft.body = crlf(text);
  const none = { subject: null, from: null, authors: [], to: [], date: null, messageId: null };
  Object.assign(draft.manifest, { ...none, text });
}

function noBody(dice: Dice, draft: Draft): void {
  const type = dice.pick(['text/plain', 'text/html; charset=utf-8', 'text/plain; charset=iso-8859-1']);
  setField(draft, 'Content-Type', type);
  draft.body = dice.chance(0.5) ? '' : '\r\n';
  delete draft.manifest.text;
  delete draft.manifest.html;
}

/** uuencode as a transfer encoding; and in the middle of a text, where it stays what it is. */
function uuencoded(dice: Dice, draft: Draft): void {
  const said = `${words(dice, 5)}\n`;
  const bytes = randomBytes(dice, 1 + dice.below(400));
  if (dice.chance(0.3)) {
    draft.body = `${crlf(said)}${uuencode(bytes, 'a.bin')}`;
    draft.manifest.text = draft.body.replaceAll('\r\n', '\n');
    return;
  }
  expectFile(draft, { type: 'application/x-foo', name: 'a.bin', bytes });
  const fields = [
    'Content-Type: application/x-foo; name="a.bin"',
    'Content-Disposition: attachment; filename="a.bin"',
    `Content-Transfer-Encoding: ${dice.pick(['x-uuencode', 'uuencode', 'X-UUE'])}`,
  ];
  setMultipart(draft, 'mixed', [textPart(said), part(fields, uuencode(bytes, 'a.bin'))]);
  draft.manifest.text = said;
}

/** What stood before the mail in an mbox file, or empty lines that a gateway put there. */
function linesBefore(dice: Dice, draft: Draft): void {
  draft.before = dice.pick([
    'From ana@example.com Wed Nov 25 08:00:00 2026\r\n',
    '>From ana Wed Nov 25 2026\r\n',
    '\r\n',
    '\r\n\r\n',
  ]);
}

/** A type that is none, or an encoding that nobody knows: the text is there all the same. */
function oddTypes(dice: Dice, draft: Draft): void {
  const text = `${words(dice, 5)} Grüße\n`;
  const bytes = encodeCharset(crlf(text), 'utf-8');
  const [type, encoding, body] = dice.pick([
    ['text', '8bit', bytes],
    ['text/plain; charset=utf-8;;', '8BIT', bytes],
    ['TEXT/PLAIN; CHARSET="UTF-8"', 'Quoted-Printable', quotedPrintable(bytes)],
    ['text/plain;charset=utf-8', ' base64 (really)', base64(bytes)],
    ['text/plain; charset=utf-8', 'binary', bytes],
    ['text/plain; charset = utf-8', '7bit', bytes],
  ] as const);
  setField(draft, 'Content-Type', type);
  setField(draft, 'Content-Transfer-Encoding', encoding);
  draft.body = body;
  draft.manifest.text = text;
}

/** Classes of mails that break a rule, in ways that the world knows. */
export const BROKEN_CLASSES: Readonly<Record<string, MakeClass>> = {
  'quoted-printable with errors': quotedErrors,
  'base64 with errors': base64Errors,
  'boundary that never occurs': boundaryNever,
  'boundary unended': boundaryUnended,
  'close delimiter with junk': closeDelimiterJunk,
  'empty line missing': emptyLineMissing,
  'empty parts, preamble, epilogue': emptyParts,
  'bare CR or LF': bareLineEnds,
  'NUL bytes': nulBytes,
  'no header': noHeader,
  'no body': noBody,
  uuencode: uuencoded,
  'lines before the header': linesBefore,
  'odd types and encodings': oddTypes,
};
