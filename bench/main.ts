import { measureMemory } from './memory.ts';
import { parseBenchOptions } from './options.ts';
import { measureOverhead } from './overhead.ts';
import { reportOf } from './report.ts';
import { runScenarios } from './scenarios.ts';
import { tableOf } from './table.ts';

/**
 * `npm run bench -- [--size GB] [--only full,restore,…] [--rounds N] [--directory D] [--json]`: design §9, measured in one
 * run against peers on the same data.
 */
const options = parseBenchOptions(process.argv.slice(2));
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
