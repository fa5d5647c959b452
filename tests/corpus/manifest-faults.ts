import type { MessageData } from '../../shared/event.ts';
import type { Manifest } from '../support/mime-draft.ts';

/** What of an event is not as the manifest says: one line for each field. */
export function manifestFaults(manifest: Manifest, data: MessageData): string[] {
  const { subject, from, authors, to, date, messageId } = data;
  const attachments = data.attachments.map(({ filename, contentType, size, sha256 }) => ({
    ...{ filename, contentType, size, sha256 },
  }));
  const hasProblem = data.parseError !== null;
  const actual = { subject, from, authors, to, date, messageId, attachments, hasProblem };
  const faults = Object.entries(actual).flatMap(([name, value]) =>
    fault(name, manifest[name as keyof typeof actual], value),
  );
  if (manifest.text !== undefined) faults.push(...fault('text', manifest.text, data.text));
  if (manifest.html !== undefined) faults.push(...fault('html', manifest.html, data.html));
  for (const piece of manifest.textHas ?? []) {
    if (data.text?.includes(piece) !== true) faults.push(...fault('text', `… ${piece} …`, data.text));
  }
  return faults;
}

function fault(name: string, expected: unknown, actual: unknown): string[] {
  const [wanted, got] = [JSON.stringify(expected), JSON.stringify(actual)];
  return wanted === got ? [] : [`${name}: expected ${wanted}, got ${got}`];
}
