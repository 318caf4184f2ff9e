import type { Goal } from './goals.ts';
import type { MemoryPoint } from './memory.ts';
import type { Overhead } from './overhead.ts';
import type { Line, Ratios } from './figures.ts';
import type { BenchReport } from './report.ts';
import { ratioOf } from './report.ts';

const widths = [20, 10, 15, 10, 12, 10, 10, 8] as const;
const cells = (values: readonly string[]): string =>
  values.map((value, i) => (i === 0 ? value.padEnd(widths[0]) : value.padStart(widths[i] ?? 0))).join('');

const seconds = (ms: number): string => (ms / 1000).toFixed(2);

function lineText(lines: readonly Line[], line: Line): string {
  const { scenario, work, contender, medianMs, spreadMs, engineMs, storedBytes, rssMiB, segmentsPerSecond } = line;
  const ratio = contender.startsWith('holdfast') ? undefined : ratioOf(lines, { scenario, work, peer: contender });
  return cells([
    `  ${contender}`,
    `${seconds(medianMs)} s`,
    spreadMs.map(seconds).join('–'),
    engineMs === undefined ? '' : `${seconds(engineMs)} s`,
    storedBytes === undefined ? '' : `${(storedBytes / 1e6).toFixed(1)} MB`,
    rssMiB === undefined ? '' : `${String(rssMiB)} MiB`,
    segmentsPerSecond === undefined ? '' : `${String(segmentsPerSecond)}/s`,
    ratio === undefined ? '' : ratio.toFixed(2),
  ]);
}

function titledLinesOf({ lines }: BenchReport): readonly string[] {
  const titles = [...new Set(lines.map(({ scenario, work }) => `${scenario}: ${work}`))];
  return titles.flatMap((title) => [
    title,
    ...lines.filter(({ scenario, work }) => `${scenario}: ${work}` === title).map((line) => lineText(lines, line)),
  ]);
}

function ratiosText(name: string, ratios: Ratios): readonly string[] {
  const texts = Object.entries(ratios).map(([what, value]) => `${what} ${String(value)}`);
  return texts.length === 0 ? [] : [`holdfast / ${name}: ${texts.join(', ')}`];
}

function overheadText({ noOpSeconds, fullSeconds, engineSeconds, aboveEngineSeconds }: Overhead): string {
  const [whole, alone] = [fullSeconds, engineSeconds].map((one) => one.toFixed(2));
  const above = `${aboveEngineSeconds.toFixed(2)} s above the engine (${whole ?? ''} s against ${alone ?? ''} s)`;
  return `overhead of a run on a small instance: a full backup ${above}; a run that does nothing ${noOpSeconds.toFixed(2)} s`;
}

function memoryText(point: MemoryPoint): string {
  const { contender, files, channels, backupMiB, restoreMiB, backupSeconds, restoreSeconds } = point;
  const of = `${String(files)} files, ${String(channels)} channels`;
  const backup = `backup ${String(backupMiB)} MiB in ${String(backupSeconds)} s`;
  return `memory of ${contender}, ${of}: ${backup}, restore ${String(restoreMiB)} MiB in ${String(restoreSeconds)} s`;
}

function goalText({ row, bar, found, verdict }: Goal): string {
  const value = found === undefined ? '' : String(found);
  return `  ${verdict.padEnd(14)}${row.padEnd(52)}${value.padEnd(8)}${bar}`.trimEnd();
}

/** Medians and spreads for people; the last column is our time divided by that contender's. */
export function tableOf(report: BenchReport): string {
  const { versions, options, overhead, memory = [], missing } = report;
  const programs = Object.entries(versions).map(([name, version]) => {
    const asked = options[name];
    return `${name} ${version}${asked === undefined ? '' : `: ${asked}`}`;
  });
  return [
    `${String(report.sizeGb)} GB of pgbench`,
    cells(['', 'median', 'spread', 'engine', 'stored', 'memory', 'segments', 'ratio']),
    ...titledLinesOf(report),
    ...ratiosText('pgbackrest', report.ratios),
    ...ratiosText('pg_basebackup', report.ratiosToBasebackup),
    ...(overhead === undefined ? [] : [overheadText(overhead)]),
    ...memory.map(memoryText),
    ...programs,
    ...missing.map((line) => `missing: ${line}`),
    ...(report.goals.every(({ verdict }) => verdict === 'not measured')
      ? []
      : ['goals', ...report.goals.map(goalText)]),
  ].join('\n');
}
