import type { Dice } from './mail-content.ts';
import { crlf, type Draft, setField, words } from './mime-draft.ts';
import { base64, encodeCharset, quotedPrintable } from './mime-encode.ts';
import type { MakeClass } from './mime-header-classes.ts';
import { MULTI_BYTE, SINGLE_BYTE } from './mime-languages.ts';

const CHARSETS = { ...SINGLE_BYTE, ...MULTI_BYTE };

/** A body in this charset, in one of the transfer encodings. */
function setText(dice: Dice, draft: Draft, text: string, charset: string, label = charset): void {
  const bytes = encodeCharset(crlf(text), charset);
  // ISO-2022-JP and UTF-7 are made for seven bits.
  const encoding = dice.pick(['8bit', 'quoted-printable', 'base64']);
  setField(draft, 'Content-Type', `text/plain; charset=${label}`);
  setField(draft, 'Content-Transfer-Encoding', encoding);
  if (encoding === '8bit') draft.body = bytes;
  else draft.body = encoding === 'base64' ? `${base64(bytes)}\r\n` : quotedPrintable(bytes);
  draft.manifest.text = text;
}

function charsetText(table: Readonly<Record<string, string>>): MakeClass {
  return (dice, draft) => {
    const [charset, sample] = dice.pick(Object.entries(table));
    setText(dice, draft, `${sample} ${words(dice, 6)}\n${sample}\n`, charset);
  };
}

/** A charset's name over the bytes of its superset, which is what browsers take it for. */
function mislabelled(dice: Dice, draft: Draft): void {
  const variants = [
    ['windows-1252', 'iso-8859-1', '“quoted” – 5 €'],
    ['windows-1252', 'us-ascii', 'Grüße'],
    ['utf-8', 'us-ascii', 'Grüße 你好'],
    ['gbk', 'gb2312', '镕 朱'],
    ['windows-1254', 'iso-8859-9', 'İstanbul €'],
    ['euc-kr', 'ks_c_5601-1987', '안녕 하세요'],
    ['shift_jis', 'x-sjis', 'メール'],
    ['utf-8', 'UTF8', 'Grüße'],
    ['utf-8', '"utf-8', 'Grüße'],
  ] as const;
  const [charset, label, sample] = dice.pick(variants);
  setText(dice, draft, `${sample} ${words(dice, 4)}\n`, charset, label);
}

/** A charset that nobody knows: UTF-8 where that is what the bytes are, else Windows-1252. */
function unknownCharset(dice: Dice, draft: Draft): void {
  const label = dice.pick(['x-unknown', 'x-user-defined', 'unknown-8bit', 'foo', 'default_charset']);
  const charset = dice.pick(['utf-8', 'windows-1252']);
  setText(dice, draft, `Grüße ${words(dice, 4)}\n`, charset, label);
}

function utf7(dice: Dice, draft: Draft): void {
  const text = `Grüße 1 + 1 = 2, 你好 ${words(dice, 4)}\n`;
  setText(dice, draft, text, 'utf-7', dice.pick(['utf-7', 'unicode-1-1-utf-7']));
  const number = String(dice.below(100_000));
  setField(draft, 'Subject', `=?utf-7?Q?Gr+APwA3w-e_${number}?=`);
  draft.manifest.subject = `Grüße ${number}`;
}

/** RFC 3676: soft line ends, quotes, stuffed spaces, with and without DelSp. */
function flowed(dice: Dice, draft: Draft): void {
  const [first, second] = [words(dice, 12), words(dice, 9)];
  const isDelSp = dice.chance(0.5);
  const space = isDelSp ? '  ' : ' ';
  setField(draft, 'Content-Type', `text/plain; charset=utf-8; format=flowed${isDelSp ? '; delsp=yes' : ''}`);
  draft.body = crlf(`${first}${space}\n${second}\n\n From here\n${words(dice, 3)}\n`);
  delete draft.manifest.text;
  draft.manifest.textHas = [`${first} ${second}\n`, '\nFrom here\n'];
}

/** HTML alone: the text is made of it. */
function htmlOnly(dice: Dice, draft: Draft): void {
  const said = words(dice, 6);
  const html = `<html><head><style>p{color:red}</style></head><body><p>${said}</p></body></html>\n`;
  setField(draft, 'Content-Type', 'text/html; charset=utf-8');
  draft.body = crlf(html);
  draft.manifest.html = html;
  delete draft.manifest.text;
  draft.manifest.textHas = [said];
}

/** Classes that are made of one text, and right. */
export const TEXT_CLASSES: Readonly<Record<string, MakeClass>> = {
  'charsets of one byte': charsetText(SINGLE_BYTE),
  'charsets of several bytes': charsetText(MULTI_BYTE),
  'charsets in all encodings': charsetText(CHARSETS),
  'charset mislabelled': mislabelled,
  'charset unknown': unknownCharset,
  'UTF-7': utf7,
  'format=flowed': flowed,
  'HTML only': htmlOnly,
};
