import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';
import type { BenchCluster } from './cluster.ts';
import { openBenchCluster } from './cluster.ts';
import type { Contender } from './contender.ts';
import { openHoldfast } from './holdfast.ts';
import { openBackrest, openBasebackup } from './peers.ts';
import { measureOverhead } from './overhead.ts';
import { reportOf, tableOf } from './report.ts';
import { runRounds } from './rounds.ts';

/** `npm run bench -- [--size GB] [--rounds N] [--directory D] [--json]`: design §9, measured in one run against peers on the same data. */
const { values } = parseArgs({
  options: {
    size: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '5' },
    directory: { type: 'string', default: tmpdir() },
    json: { type: 'boolean', default: false },
  },
});

const say = (text: string): void => {
  process.stderr.write(`${text}\n`);
};

/** Ours first. */
async function openContenders(cluster: BenchCluster): Promise<[Contender, ...Contender[]]> {
  const backrest = await openBackrest(cluster);
  const peers = [...(backrest === undefined ? [] : [backrest]), await openBasebackup(cluster)];
  return [await openHoldfast(cluster), ...peers];
}

say(`bench: filling a cluster of about ${values.size} GB`);
const cluster = await openBenchCluster(values.directory, Number(values.size));
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    void cluster.close().finally(() => process.exit(130));
  });
}
try {
  const contenders = await openContenders(cluster);
  const results = await runRounds(contenders, Number(values.rounds), say);
  say('bench: measuring what a run takes above the engine');
  const overhead = await measureOverhead(values.directory, Number(values.rounds));
  const report = reportOf(results, { sizeGb: Number(values.size), serverVersion: cluster.version, overhead });
  process.stdout.write(`${tableOf(report, results)}\n`);
  if (values.json) process.stdout.write(`${JSON.stringify(report)}\n`);
} finally {
  await cluster.close();
}
