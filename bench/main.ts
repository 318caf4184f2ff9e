import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { measureControl } from './control.ts';
import { fillGoalsPage } from './goals-page.ts';
import { measureMemory } from './memory.ts';
import { parseBenchOptions } from './options.ts';
import { measureOverhead } from './overhead.ts';
import { reportOf } from './report.ts';
import { runScenarios } from './scenarios.ts';
import { tableOf } from './table.ts';

/**
 * `npm run bench -- [--size GB] [--only full,restore,…] [--rounds N] [--directory D] [--json]`: design §9, measured in one
 * run against peers on the same data. `--fill a.json,b.json,…` measures nothing: it puts the goals that such runs found
 * with `--json` into docs/benchmarks.md.
 *
 * `npm run bench -- control [jobs] [due at once]`: 2 000 jobs with plans, and 500 more that are due at once; its figures as JSON.
 */
const isControl = process.argv[2] === 'control';
const options = parseBenchOptions(isControl ? [] : process.argv.slice(2));

async function measure(): Promise<void> {
  const { sizeGb, rounds, directory: base, scenarios } = options;
  const say = (text: string): void => {
    process.stderr.write(`${text}\n`);
  };

  const rows = await runScenarios({ base, sizeGb, rounds, scenarios, say });
  if (scenarios.includes('overhead')) say('bench: measuring what a run takes above the engine');
  const overhead = scenarios.includes('overhead') ? await measureOverhead(base, rounds) : undefined;
  const memory = scenarios.includes('memory') ? await measureMemory({ base, sizeGb, say }) : undefined;
  const report = reportOf(rows, { sizeGb, rounds, overhead, memory });
  process.stdout.write(`${tableOf(report)}\n`);
  if (options.isJson) process.stdout.write(`${JSON.stringify(report)}\n`);
}

const page = fileURLToPath(new URL('../docs/benchmarks.md', import.meta.url));
if (isControl) {
  const say = (text: string): void => {
    process.stderr.write(`${text}\n`);
  };
  const [jobs = 2000, fired = 500] = process.argv.slice(3).map(Number);
  const figures = await measureControl(tmpdir(), { jobs, fired }, say);
  process.stdout.write(`${JSON.stringify(figures, undefined, 2)}\n`);
} else if (options.fill.length > 0) fillGoalsPage(page, options.fill);
else await measure();
