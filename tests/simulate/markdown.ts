/** A table in Markdown, with its columns aligned to the right but for the first. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const rule = head.map((_, column) => (column === 0 ? '---' : '---:'));
  return [head, rule, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** A count or a size: three significant digits, thousands apart; nothing for nearly nothing. */
export function quantity(value: number): string {
  if (Math.abs(value) < 0.005) return '';
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  const rounded = Number(value.toPrecision(3));
  return rounded.toLocaleString('en-US', { maximumFractionDigits: Math.min(digits, 2) });
}

/** Dollars and cents. */
export function dollars(value: number): string {
  return value.toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 });
}

/** An order of magnitude: two significant digits. */
export function roughly(value: number): string {
  return Number(value.toPrecision(2)).toLocaleString('en-US');
}
