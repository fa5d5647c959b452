import { type Difference, explanationOf } from './differences.ts';
import type { ReadSample } from './read-all.ts';
import { isSame, type Peer, READING_FIELDS, type Reading } from './reading.ts';

/** What comparing the readings of many mails shows. */
export interface Judgement {
  /** Lines for people: differences by peer and class. */
  readonly classes: readonly string[];
  /** One line for each difference that no class explains. */
  readonly unexplained: readonly string[];
  /** For each field: mails on which both peers agree, those where we read the same, and those where a class says why not. */
  readonly agreed: readonly {
    readonly field: keyof Reading;
    readonly count: number;
    readonly same: number;
    readonly explained: number;
  }[];
  /** Fields that are empty in ours and not in Python's, with the class that explains it; `null` where none does. */
  readonly empty: readonly {
    readonly id: string;
    readonly field: keyof Reading;
    readonly code: string | null;
  }[];
}

/** Gives the code of a class for a difference, null for none. */
type Explain = (difference: Difference) => string | null;

/** Compares our readings with those of the peers, field by field. */
export function judge(read: readonly ReadSample[], explain: Explain = explanationOf): Judgement {
  const counts = new Map<string, number>();
  const unexplained: string[] = [];
  const empty: Judgement['empty'][number][] = [];
  for (const difference of read.flatMap(differencesOf)) {
    const { sample, peer, field, ours, theirs } = difference;
    const code = explain(difference);
    counts.set(`${peer}: ${code}`, (counts.get(`${peer}: ${code}`) ?? 0) + 1);
    if (code === null) unexplained.push(`${sample.id}: ${field} of ${peer}: ${around(ours, theirs)}`);
    if (peer === 'python' && ours === '') empty.push({ id: sample.id, field, code });
  }
  return {
    classes: [...counts].sort().map(([name, count]) => `${count} ${name}`),
    unexplained,
    agreed: READING_FIELDS.map((field) => agreement(read, field, explain)),
    empty,
  };
}

function differencesOf(sample: ReadSample): Difference[] {
  const peers = { 'postal-mime': sample.postal, python: sample.python };
  return READING_FIELDS.flatMap((field) =>
    (Object.keys(peers) as Peer[]).flatMap((peer) => {
      const [ours, theirs] = [sample.ours[field], peers[peer]?.[field]];
      if (theirs === undefined || isSame(field, ours, theirs)) return [];
      return [{ sample, peer, field, ours, theirs }];
    }),
  );
}

function agreement(
  read: readonly ReadSample[],
  field: keyof Reading,
  explain: Explain,
): Judgement['agreed'][number] {
  // What nobody gave is no agreement, so no `?` here.
  const both = read.filter(({ postal, python }) => postal !== null && postal[field] === python?.[field]);
  const others = both.filter(({ ours, python }) => ours[field] !== python?.[field]);
  const explained = others.filter((sample) => {
    const [ours, theirs] = [sample.ours[field], sample.python?.[field] ?? ''];
    return explain({ sample, peer: 'python', field, ours, theirs }) !== null;
  });
  const [count, explainedCount] = [both.length, explained.length];
  return { field, count, same: count - others.length, explained: explainedCount };
}

/** Where two texts part, for a message. */
function around(ours: string, theirs: string): string {
  let at = 0;
  while (at < ours.length && ours[at] === theirs[at]) at += 1;
  const piece = (text: string) => JSON.stringify(text.slice(Math.max(0, at - 20), at + 80));
  return `ours ${piece(ours)}, theirs ${piece(theirs)}`;
}
