import type { Measurement } from './measure.ts';

const HEAD = ['stage', 'mails/s', 'MB/s', 's', 'CPU ms/mail', 'share', 'others ms/mail'];

/**
 * The measurements as an aligned table. `share` is the CPU time per mail as a part of that of `whole`, the whole path; without
 * it the column stays empty.
 */
export function measurementTable(measurements: readonly Measurement[], whole: Measurement | null): string {
  const rows = [HEAD, ...measurements.map((measurement) => row(measurement, whole))];
  const widths = HEAD.map((_, column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0)));
  const lines = rows.map((cells) =>
    cells
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  );
  const rule = widths.map((width) => '-'.repeat(width)).join('  ');
  return [lines[0], rule, ...lines.slice(1)].join('\n');
}

function row(measurement: Measurement, whole: Measurement | null): string[] {
  const { mails, bytes, seconds, ownCpuSeconds, otherCpuSeconds } = measurement;
  const perMailMs = (cpuSeconds: number) => ((cpuSeconds / mails) * 1000).toFixed(3);
  const wholePerMail = whole === null ? null : whole.ownCpuSeconds / whole.mails;
  return [
    measurement.name,
    ratePerSecond(measurement),
    (bytes / seconds / 1e6).toFixed(1),
    seconds.toFixed(2),
    perMailMs(ownCpuSeconds),
    wholePerMail === null ? '' : `${Math.round((ownCpuSeconds / mails / wholePerMail) * 100)} %`,
    otherCpuSeconds === null || otherCpuSeconds === 0 ? '' : perMailMs(otherCpuSeconds),
  ];
}

/** Mails a second, with separated thousands. */
export function ratePerSecond({ mails, seconds }: Measurement): string {
  return Math.round(mails / seconds).toLocaleString('en-US');
}
