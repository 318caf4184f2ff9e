import { victims } from './plan.ts';
import type { HistogramRow, Verdict } from './record.ts';

const width = 13;

/** Phases down, victims across. */
export function histogramLines(rows: readonly HistogramRow[]): readonly string[] {
  const label = ({ kind, phase }: HistogramRow): string => `${kind}, ${phase}`;
  const longest = Math.max(...rows.map((row) => label(row).length), 'phase hit'.length);
  const head = `${'phase hit'.padEnd(longest)} ${victims.map((victim) => victim.padStart(width)).join('')}`;
  const cell = (count: number): string => (count === 0 ? '.' : String(count)).padStart(width);
  return [
    head,
    ...rows.map((row) => `${label(row).padEnd(longest)} ${victims.map((one) => cell(row.byVictim[one])).join('')}`),
  ];
}

export function verdictLines(verdict: Verdict): readonly string[] {
  const { isRight, kills, runs, wrongEnds, resentBytes, proofs } = verdict;
  return [
    `${String(kills)} kills over ${String(runs)} runs: ${String(wrongEnds)} wrong ends, ${String(resentBytes)} acknowledged bytes sent again`,
    ...Object.entries(proofs).map(([what, count]) => `  ${what}: ${String(count)}`),
    isRight ? 'Every run ended right.' : 'NOT every run ended right.',
  ];
}
