import picocolors from 'picocolors';
import { printable } from './text.ts';

/** A stream that may be a terminal. */
export interface Output extends NodeJS.WritableStream {
  readonly isTTY?: boolean;
}

/** What a command writes to. */
export interface Streams {
  readonly stdout: Output;
  readonly stderr: Output;
}

/** Human output: plain lines, tables, and colour where there is a terminal that wants it. */
export interface Terminal {
  line(text?: string): void;
  /** Columns aligned, without borders; cells are text from outside, except what `paint` made. */
  table(head: readonly string[], rows: readonly (readonly Cell[])[]): Promise<void>;
  /** Names and values, one pair a line; values are never cut, since whoever asks for one thing wants all of it. */
  fields(pairs: readonly (readonly [string, Cell])[]): Promise<void>;
  /** What to do next. */
  hint(text: string): void;
  state(text: string): Painted;
  /** On stderr. */
  warn(text: string): void;
}

/** Text with colour codes of ours, which is not cleaned again. */
interface Painted {
  readonly painted: string;
}
type Cell = string | Painted;

const GOOD = new Set(['active', 'enabled', 'delivered', 'ok', 'done']);
const BAD = new Set(['auth_failed', 'error', 'failed', 'exhausted', 'rejected', 'quarantined', 'disabled']);
/** A cell that is wider is cut, so that a subject does not push the rest out of sight. */
const MAX_CELL_WIDTH = 60;

export function createTerminal(streams: Streams, env: NodeJS.ProcessEnv): Terminal {
  const hasColor = streams.stdout.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb';
  const colors = picocolors.createColors(hasColor);
  const line = (text = ''): void => {
    streams.stdout.write(`${text}\n`);
  };
  const printRows = async (rows: readonly (readonly Cell[])[]): Promise<void> => {
    for (const row of await alignedRows(rows)) line(row);
  };
  return {
    line,
    hint: (text) => line(colors.dim(text)),
    warn: (text) => {
      streams.stderr.write(`${printable(text)}\n`);
    },
    table: (head, rows) => printRows([head.map((text) => ({ painted: colors.bold(text) })), ...rows]),
    fields: (pairs) =>
      printRows(
        pairs.map(([name, value]) => [
          { painted: colors.dim(name) },
          typeof value === 'string' ? { painted: printable(value) } : value,
        ]),
      ),
    state(text) {
      const clean = printable(text);
      if (GOOD.has(clean)) return { painted: colors.green(clean) };
      return { painted: BAD.has(clean) ? colors.red(clean) : colors.yellow(clean) };
    },
  };
}

/** Rows as lines with aligned columns; the table library knows the width of wide characters and of colour codes. */
async function alignedRows(rows: readonly (readonly Cell[])[]): Promise<string[]> {
  const { default: Table } = await import('cli-table3');
  const none = { top: '', 'top-mid': '', 'top-left': '', 'top-right': '', bottom: '', 'bottom-mid': '' };
  const sides = { 'bottom-left': '', 'bottom-right': '', left: '', 'left-mid': '', mid: '', 'mid-mid': '' };
  const table = new Table({
    chars: { ...none, ...sides, right: '', 'right-mid': '', middle: '  ' },
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
  });
  for (const row of rows) table.push(row.map(cellText));
  // The last column is padded too: nobody wants blanks at the end of a line.
  return rows.length === 0
    ? []
    : table
        .toString()
        .split('\n')
        .map((row) => row.trimEnd());
}

function cellText(cell: Cell): string {
  if (typeof cell !== 'string') return cell.painted;
  const characters = [...printable(cell)];
  if (characters.length <= MAX_CELL_WIDTH) return characters.join('');
  return `${characters.slice(0, MAX_CELL_WIDTH - 1).join('')}…`;
}
