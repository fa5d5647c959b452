import type { ReadSample } from './read-all.ts';
import type { Peer, Reading } from './reading.ts';

/** A field that a peer reads otherwise than we do. */
export interface Difference {
  readonly sample: ReadSample;
  readonly peer: Peer;
  readonly field: keyof Reading;
  readonly ours: string;
  readonly theirs: string;
}

/** Why a difference is none of our mistakes. */
interface Explanation {
  readonly code: string;
  readonly why: string;
  readonly explains: (difference: Difference) => boolean;
}

const BODY_FIELDS = new Set<keyof Reading>(['text', 'html', 'files', 'names', 'types']);
const FILE_FIELDS = new Set<keyof Reading>(['files', 'names', 'types']);
const PEOPLE_FIELDS = new Set<keyof Reading>(['from', 'to', 'cc']);

/** Delimiters of other multiparts in a text, a mail overwritten by itself, every encoding with an error, half a UTF-16 character. */
const SPOILED = ['msg_38.txt', 'malformed/019.eml', 'decode-problems.eml', 'utf16-dangling-byte.eml'];

const STATUS = 'message/delivery-status';

const letters = (text: string) => text.replace(/[\s\p{Cc}\ufffd]+/gu, '');
const sourceOf = ({ sample }: Difference) => sample.bytes.toString('latin1');
const headerOf = (difference: Difference) => sourceOf(difference).split(/\r\n\r\n|\n\n|\r\r/, 1)[0] ?? '';
const addressList = (list: string): string[] => list.match(/<[^>]+>/g) ?? [];
const addressesOf = (list: string) => addressList(list).join(' ');
const names = (pattern: RegExp) => (difference: Difference) => pattern.test(sourceOf(difference));

/** The classes of differences, the first that holds counts. */
const EXPLANATIONS: readonly Explanation[] = [
  {
    code: 'boundary lost',
    why: 'a multipart whose boundary never occurs: we give its content and say so in parseError, they give none or one undivided part',
    explains: ({ field, sample }) => BODY_FIELDS.has(field) && sample.data.parseError !== null,
  },
  {
    code: 'bytes not decoded',
    why: 'raw bytes in headers or mislabelled text: theirs has replacement characters where ours has none',
    explains: ({ ours, theirs }) =>
      /\ufffd|ï¿½/.test(theirs) &&
      (ours.match(/\ufffd/g)?.length ?? 0) < (theirs.match(/\ufffd|ï¿½/g)?.length ?? 0),
  },
  {
    code: 'utf-7',
    why: 'postal-mime does not decode it',
    explains: (difference) =>
      difference.peer === 'postal-mime' &&
      names(/utf-7/i)(difference) &&
      /\+[A-Za-z0-9/]+-/.test(difference.theirs),
  },
  {
    code: 'several From',
    why: 'we keep the authors of all From fields, also of one with blanks before its colon; they keep the first or the last',
    explains: (difference) =>
      difference.field === 'from' && (headerOf(difference).match(/^from[ \t]*:/gim)?.length ?? 0) > 1,
  },
  {
    code: 'word without @',
    why: 'a word that is no address is a name in ours, an address in theirs',
    explains: ({ field, ours, theirs }) =>
      PEOPLE_FIELDS.has(field) &&
      /<[^@>]*>/.test(theirs) &&
      addressesOf(ours) === addressesOf(theirs.replace(/<[^@>]*>/g, '<>')),
  },
  {
    code: 'one From',
    why: 'postal-mime keeps the first author only',
    explains: ({ peer, field, ours, theirs }) =>
      peer === 'postal-mime' && field === 'from' && theirs !== '' && ours.startsWith(`${theirs}, `),
  },
  {
    code: 'more addresses',
    why: 'addresses without a comma between them, or with a semicolon: ours has each that the header holds',
    explains: (difference) => {
      const [ours, theirs] = [addressList(difference.ours), addressList(difference.theirs)];
      const header = headerOf(difference);
      return (
        PEOPLE_FIELDS.has(difference.field) &&
        ours.length > theirs.length &&
        theirs.every((one) => ours.includes(one)) &&
        ours.every((one) => header.includes(one))
      );
    },
  },
  {
    code: 'folded name of a field',
    why: 'a line end before the colon of From: postal-mime reads it, RFC 5322 section 4.5 does not allow it',
    explains: (difference) => difference.field === 'from' && /^from\r?\n[ \t]+:/im.test(headerOf(difference)),
  },
  {
    code: 'route',
    why: 'the route of an address (RFC 5322 section 4.4) is left out in ours',
    explains: ({ field, ours, theirs }) =>
      PEOPLE_FIELDS.has(field) && theirs.replace(/<@[^:>]*:/g, '<') === ours,
  },
  {
    code: 'name of an address',
    why: 'Python drops a name in a comment, postal-mime one that is the address; both keep blanks and quotes of their own',
    explains: ({ field, ours, theirs }) =>
      PEOPLE_FIELDS.has(field) && addressesOf(ours) === addressesOf(theirs) && addressesOf(ours) !== '',
  },
  {
    code: 'status in text',
    why: 'the status of a report is part of the text in ours, a file in theirs',
    explains: ({ field, ours, theirs, sample, peer }) => {
      const types = (peer === 'python' ? sample.python : sample.postal)?.types.split(' ') ?? [];
      if (!types.includes(STATUS)) return false;
      if (field === 'text') return letters(ours).includes(letters(theirs));
      const isSameButStatus = types.filter((type) => type !== STATUS).join(' ') === sample.ours.types;
      return FILE_FIELDS.has(field) && isSameButStatus;
    },
  },
  {
    code: 'text of HTML',
    why: 'a mail with HTML alone has a text made of it in ours; Python makes none, postal-mime none or another',
    explains: ({ field, sample }) => field === 'text' && sample.ours.html !== '' && !sample.python?.text,
  },
  {
    code: 'HTML and text mixed',
    why: 'postal-mime puts each text part into the HTML and each HTML part into the text',
    explains: ({ peer, field, sample }) =>
      peer === 'postal-mime' &&
      (field === 'text' || field === 'html') &&
      sample.python?.[field] === sample.ours[field],
  },
  {
    code: 'flowed',
    why: 'format=flowed is unwrapped in ours (RFC 3676), in theirs not or with other blanks and quotes',
    explains: (difference) =>
      difference.field === 'text' &&
      names(/format="?flowed/i)(difference) &&
      letters(difference.ours).replaceAll('>', '') === letters(difference.theirs).replaceAll('>', ''),
  },
  {
    code: 'control characters',
    why: 'NUL is a replacement character in the text and a blank in the header in ours',
    explains: ({ ours, theirs }) => letters(ours) === letters(theirs),
  },
  {
    code: 'folders in names',
    why: 'a file name is its last part in ours, never a path',
    explains: ({ field, ours, theirs }) =>
      field === 'names' &&
      ours.split(' | ').every((name, index) => theirs.split(' | ')[index]?.endsWith(name) === true),
  },
  {
    code: 'uuencode',
    why: 'postal-mime does not decode it',
    explains: (difference) =>
      difference.peer === 'postal-mime' &&
      difference.field === 'files' &&
      names(/content-transfer-encoding:\s*(x-)?uu/i)(difference),
  },
  {
    code: 'line ends of files',
    why: 'a file keeps the line ends it came with in ours, and not the one before the delimiter; the others add, drop or change them',
    explains: ({ field, theirs, sample }) => {
      const hashes = theirs.split(' ');
      const isSameFile = (set: ReadonlySet<string>, index: number) =>
        hashes[index] === '?' || set.has(hashes[index] ?? '');
      return (
        field === 'files' && hashes.length === sample.fileHashes.length && sample.fileHashes.every(isSameFile)
      );
    },
  },
  {
    code: 'type and rest',
    why: 'what stands behind a type without a semicolon is part of it in theirs',
    explains: ({ field, ours, theirs }) =>
      field === 'types' && ours !== '' && theirs.startsWith(`${ours} `) && theirs.includes('='),
  },
  {
    code: 'broken type',
    why: 'a Content-Type that is none: text in ours, a file of an unheard-of type in theirs',
    explains: (difference) =>
      BODY_FIELDS.has(difference.field) &&
      !/^content-type:\s*[\w.+-]+\/[\w.+-]+\s*(;|\r?\n|$)/im.test(sourceOf(difference)),
  },
  {
    code: 'zone and clock',
    why: 'a twelve-hour clock, a military zone, a zone behind a comment: one of them cannot read it',
    explains: (difference) =>
      difference.field === 'date' && /^date:.*( [ap]m | [a-ik-z]\b|\) [+-]\d)/im.test(headerOf(difference)),
  },
  {
    code: 'base64 that is none',
    why: 'foreign characters and a missing end: ours decodes what it can, Python gives the text as it stands or nothing',
    explains: (difference) =>
      difference.peer === 'python' &&
      BODY_FIELDS.has(difference.field) &&
      names(/content-transfer-encoding:\s*(base64|x-uu)/i)(difference) &&
      (difference.sample.postal?.[difference.field] === difference.ours ||
        difference.sample.id.includes('decode-problems')),
  },
  {
    code: 'Python gives up a header',
    why: 'Python finds no fields behind a line that is no field, and takes them for text; postal-mime and we read on',
    explains: ({ peer, field, theirs, ours, sample }) =>
      peer === 'python' &&
      sample.postal?.[field] === ours &&
      (field === 'text' ? theirs.endsWith(ours) : theirs === '' && !BODY_FIELDS.has(field)),
  },
  {
    code: 'only ours',
    why: 'content that only we find: a boundary or a field that the others do not recognise',
    explains: ({ field, theirs, sample }) =>
      BODY_FIELDS.has(field) &&
      theirs === '' &&
      sample.postal?.[field] === '' &&
      sample.python?.[field] === '',
  },
  {
    code: 'two against one',
    why: 'what one of them does not find or names otherwise, where the other reads what we read',
    explains: ({ field, ours, theirs, peer, sample }) =>
      (FILE_FIELDS.has(field) || theirs === '') &&
      sample[peer === 'python' ? 'postal' : 'python']?.[field] === ours,
  },
  {
    code: 'no right answer',
    why: 'fixtures that are spoiled on purpose',
    explains: ({ sample }) => SPOILED.some((name) => sample.id.endsWith(name)),
  },
];

/** The code of the class that explains a difference; null when it may be a mistake of ours. */
export function explanationOf(difference: Difference): string | null {
  return EXPLANATIONS.find(({ explains }) => explains(difference))?.code ?? null;
}
