/** Puts the generated parts into a page, each between `<!-- name -->` and `<!-- /name -->`. Throws when one of them has no place. */
export function fillPage(page: string, parts: Readonly<Record<string, string>>): string {
  let filled = page;
  for (const [name, text] of Object.entries(parts)) {
    const start = `<!-- ${name} -->`;
    const end = `<!-- /${name} -->`;
    const from = filled.indexOf(start);
    const to = filled.indexOf(end);
    if (from === -1 || to < from) throw new Error(`The page has no place for "${name}"`);
    filled = `${filled.slice(0, from + start.length)}\n${text}\n${filled.slice(to)}`;
  }
  return filled;
}
