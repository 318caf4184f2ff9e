import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { exitCodes } from '#core/errors/error-spec.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import { measureControl } from './control.ts';
import { fillGoalsPage } from './goals-page.ts';
import { measureMemory } from './memory.ts';
import type { BenchOptions } from './options.ts';
import { parseBenchOptions, parseControlOptions, usage } from './options.ts';
import { measureOverhead } from './overhead.ts';
import { reportOf } from './report.ts';
import { runScenarios } from './scenarios.ts';
import { tableOf } from './table.ts';

/**
 * `npm run bench`: design §9, measured in one run against peers on the same data. `--fill` measures nothing: it puts the goals
 * that runs found with `--json` into docs/benchmarks.md. `control` measures 2 000 jobs with plans, and 500 more that are due at
 * once; its figures as JSON.
 */
const say = (text: string): void => {
  process.stderr.write(`${text}\n`);
};

async function measure({ rounds, directory: base, scenarios, sizeGb, isJson }: BenchOptions): Promise<void> {
  const rows = await runScenarios({ base, sizeGb, rounds, scenarios, say });
  if (scenarios.includes('overhead')) say('bench: measuring what a run takes above the engine');
  const overhead = scenarios.includes('overhead') ? await measureOverhead(base, rounds) : undefined;
  const memory = scenarios.includes('memory') ? await measureMemory({ base, sizeGb, say }) : undefined;
  const report = reportOf(rows, { sizeGb, rounds, overhead, memory });
  process.stdout.write(`${tableOf(report)}\n`);
  if (isJson) process.stdout.write(`${JSON.stringify(report)}\n`);
}

async function control(args: readonly string[]): Promise<void> {
  const figures = await measureControl(tmpdir(), parseControlOptions(args), say);
  process.stdout.write(`${JSON.stringify(figures, undefined, 2)}\n`);
}

const page = fileURLToPath(new URL('../docs/benchmarks.md', import.meta.url));

async function main(args: readonly string[]): Promise<void> {
  if (args.some((arg) => arg === '--help' || arg === '-h')) {
    process.stdout.write(`${usage}\n`);
    return;
  }
  if (args[0] === 'control') return control(args.slice(1));
  const options = parseBenchOptions(args);
  if (options.fill.length > 0) fillGoalsPage(page, options.fill);
  else await measure(options);
}

await main(process.argv.slice(2)).catch((error: unknown) => {
  if (!(error instanceof HoldfastError)) throw error;
  say(`${error.message}\n${error.hint}`);
  process.exitCode = exitCodes[error.class];
});
