import { readFileSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import { fail } from '#core/errors/fail.ts';
import type { Goal } from './goals.ts';
import { median } from './timed.ts';

/** The part of a report that the table of goals is made of. */
export interface JudgedRun {
  readonly goals: readonly Goal[];
}

const from = '<!-- goals -->';
const to = '<!-- /goals -->';

/** Replaces the table of goals in a page of docs, between its marks, by what runs of the bench found. Throws `value_malformed`. */
export function goalsPage(page: string, runs: readonly JudgedRun[]): string {
  const [begin, end] = [page.indexOf(from), page.indexOf(to)];
  if (begin < 0 || end < begin)
    throw fail('value_malformed', {
      text: 'the page',
      what: 'page with a table of goals',
      expected: `${from} … ${to}`,
    });
  return `${page.slice(0, begin + from.length)}\n\n${tableOfRuns(runs)}\n${page.slice(end)}`;
}

function tableOfRuns(runs: readonly JudgedRun[]): string {
  const names = runs.map((_, i) => `run ${String(i + 1)}`);
  const head = ['row', 'bar', ...names, 'median', 'verdict'];
  const rows = (runs[0]?.goals ?? []).map((goal) => rowOf(goal, runs));
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |\n`).join('');
}

function rowOf({ row, bar }: Goal, runs: readonly JudgedRun[]): readonly string[] {
  const found = runs.map(({ goals }) => goals.find((goal) => goal.row === row && goal.bar === bar));
  const values = found.flatMap((goal) => (goal?.found === undefined ? [] : [goal.found]));
  const met = found.filter((goal) => goal?.verdict === 'met').length;
  return [
    ...[row, bar],
    ...found.map((goal) => (goal?.found === undefined ? '–' : String(goal.found))),
    values.length === 0 ? '–' : String(Number(median(values).toFixed(3))),
    values.length === 0 ? 'not measured' : `met ${String(met)} of ${String(values.length)}`,
  ];
}

const runShape = z.looseObject({
  goals: z.array(
    z.object({
      row: z.string(),
      bar: z.string(),
      found: z.number().optional(),
      verdict: z.enum(['met', 'missed', 'not measured']),
    }),
  ),
});

/** Fills the page from outputs of runs with `--json`: the last line of each counts. */
export function fillGoalsPage(page: string, outputs: readonly string[]): void {
  const runs = outputs.map((path) => {
    const lines = readFileSync(path, 'utf8').trim().split('\n');
    const { goals } = runShape.parse(JSON.parse(lines[lines.length - 1] ?? ''));
    return { goals: goals.map(({ found, ...goal }) => (found === undefined ? goal : { ...goal, found })) };
  });
  writeFileSync(page, goalsPage(readFileSync(page, 'utf8'), runs));
}
