import { Dice } from './mail-content.ts';
import { BROKEN_CLASSES } from './mime-broken-classes.ts';
import { bytesOf, type Manifest, newDraft } from './mime-draft.ts';
import { HEADER_CLASSES } from './mime-header-classes.ts';
import { MULTIPART_CLASSES } from './mime-multipart-classes.ts';
import { TEXT_CLASSES } from './mime-text-classes.ts';

const CLASSES = Object.entries({
  ...HEADER_CLASSES,
  ...TEXT_CLASSES,
  ...MULTIPART_CLASSES,
  ...BROKEN_CLASSES,
});

/** A generated mail, what it is an example of, and what its event must say. */
export interface Sample {
  /** `class/number`. */
  readonly id: string;
  readonly className: string;
  readonly bytes: Buffer;
  readonly manifest: Manifest;
}

/**
 * Mails of every class that the event must get right, in turn: charsets, encoded words, names of files, multiparts, and what
 * breaks the rules. The same seed gives the same bytes and the same manifests, on every machine.
 */
export function generateCorpus(seed: number, count: number): Sample[] {
  const dice = new Dice(seed);
  return Array.from({ length: count }, (_, index) => {
    const entry = CLASSES[index % CLASSES.length];
    if (entry === undefined) throw new Error('There are no classes');
    const [className, make] = entry;
    const draft = newDraft(dice, `${seed}.${index}`);
    make(dice, draft);
    return { id: `${className}/${index}`, className, bytes: bytesOf(draft), manifest: draft.manifest };
  });
}

/** The names of the classes. */
export const CLASS_NAMES = CLASSES.map(([name]) => name);
