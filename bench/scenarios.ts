import { openBackrest } from './backrest.ts';
import { openBasebackup, openServerIncrementals } from './basebackup.ts';
import { applyChange, changes, judgedChange } from './changes.ts';
import type { BenchCluster, ClusterRequest } from './cluster.ts';
import { openBenchCluster } from './cluster.ts';
import type { Contender, Work } from './contender.ts';
import type { Fill } from './fills.ts';
import { fillSparsely, fillWithPgbench, fillWithRandom, fillWithRelations, fillWithText } from './fills.ts';
import { openHoldfast, withAgent } from './holdfast.ts';
import { openLogContenders } from './log-push.ts';
import type { Scenario } from './options.ts';
import type { Row } from './rounds.ts';
import { runRounds } from './rounds.ts';

/** What all scenarios of one bench share. */
export interface Bench {
  readonly base: string;
  readonly sizeGb: number;
  readonly rounds: number;
  readonly scenarios: readonly Scenario[];
  readonly say: (text: string) => void;
}

/** Names of scenarios in rows and JSON. */
export const pgbenchRows = 'pgbench';
export const smallFilesRows = '20 000 relations';
export const serverRows = 'server 18';
export const logRows = 'log';

const relations = 20_000;
/** The rounds of all scenarios but full and restore are at most these: differences there are large. */
const fewRounds = 3;
/** Of those that no goal is about. */
const leastRounds = 2;
/** Tables of one kind of content are a quarter of the size, and never more than this. */
const largestContentGb = 1;

/** Opens a cluster for as long as `use` takes. */
async function withCluster<T>(request: ClusterRequest, use: (cluster: BenchCluster) => Promise<T>): Promise<T> {
  const cluster = await openBenchCluster(request);
  const close = (): void => {
    void cluster.close().finally(() => process.exit(130));
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, close);
  try {
    return await use(cluster);
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.removeListener(signal, close);
    await cluster.close();
  }
}

const oursAndBackrest = async (cluster: BenchCluster): Promise<readonly Contender[]> => {
  const backrest = await openBackrest(cluster);
  return [await openHoldfast(cluster), ...(backrest === undefined ? [] : [backrest])];
};

/** All scenarios that were asked for and have rows. */
export async function runScenarios(bench: Bench): Promise<readonly Row[]> {
  const has = (...names: readonly Scenario[]): boolean => names.some((name) => bench.scenarios.includes(name));
  const rows: Row[] = [];
  if (has('full', 'restore', 'incremental', 'log')) rows.push(...(await runPgbench(bench)));
  if (has('incremental')) rows.push(...(await runServerIncrementals(bench)));
  for (const content of contents(bench)) if (has(content.scenario)) rows.push(...(await runContent(bench, content)));
  return rows;
}

interface Content {
  readonly scenario: Scenario;
  readonly name: string;
  readonly fill: Fill;
  readonly most: number;
}

function contents({ sizeGb }: Bench): readonly Content[] {
  const part = Math.min(sizeGb / 4, largestContentGb);
  return [
    { scenario: 'relations', name: smallFilesRows, fill: fillWithRelations(relations), most: fewRounds },
    { scenario: 'text', name: 'text', fill: fillWithText(part), most: leastRounds },
    { scenario: 'incompressible', name: 'incompressible', fill: fillWithRandom(part), most: leastRounds },
    { scenario: 'sparse', name: 'sparse', fill: fillSparsely(part), most: leastRounds },
  ];
}

function runPgbench(bench: Bench): Promise<readonly Row[]> {
  const { base, sizeGb, scenarios, say } = bench;
  say(`bench: filling a cluster of about ${String(sizeGb)} GB`);
  return withCluster({ base, major: 15, fill: fillWithPgbench(sizeGb) }, async (cluster) => {
    const contenders = await oursAndBackrest(cluster);
    const rows: Row[] = [];
    const works = scenarios.filter((name) => name === 'full' || name === 'restore');
    if (works.length > 0)
      rows.push(...(await runWhole(bench, cluster.version, [...contenders, await openBasebackup(cluster)])));
    if (scenarios.includes('incremental')) {
      const scan = await openHoldfast(cluster, { source: 'page-lsn' });
      const block = await openBackrest(cluster, 'block');
      const all = [...contenders, scan, ...(block === undefined ? [] : [block])];
      rows.push(...(await withAgent(cluster, (agent) => runIncrementals(bench, cluster, [...all, agent]))));
    }
    if (scenarios.includes('log')) {
      const few = Math.min(bench.rounds, fewRounds);
      const server = cluster.version;
      const pushers = await openLogContenders(cluster);
      rows.push(...(await runRounds(pushers, { scenario: logRows, server, works: ['log'], rounds: few, say })));
    }
    return rows;
  });
}

/** A restore needs a backup before it: asked for alone, fulls are taken too and their rows left out. */
async function runWhole(
  { scenarios, rounds, say }: Bench,
  server: string,
  contenders: readonly Contender[],
): Promise<readonly Row[]> {
  const works: readonly Work[] = scenarios.includes('restore') ? ['full', 'restore'] : ['full'];
  const rows = await runRounds(contenders, { scenario: pgbenchRows, server, works, rounds, say });
  return rows.filter(({ work }) => scenarios.some((name) => name === work));
}

/** For each change: fulls of all, the change, then its incrementals again and again, all on that full. */
async function runIncrementals(
  { rounds, say }: Bench,
  cluster: BenchCluster,
  contenders: readonly Contender[],
): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const change of changes) {
    for (const contender of contenders) await contender.full?.(0);
    await applyChange(cluster, change);
    for (const contender of contenders) await contender.keepUp?.();
    const works: readonly Work[] = change === judgedChange ? ['incremental', 'restore'] : ['incremental'];
    const most = change === judgedChange ? fewRounds : leastRounds;
    const request = { scenario: change.name, server: cluster.version, rounds: Math.min(rounds, most), say };
    rows.push(...(await runRounds(contenders, { ...request, works })));
  }
  return rows;
}

/** The server's own incrementals, on a major that has them: pgBackRest of this machine may not know it. */
function runServerIncrementals({ base, sizeGb, rounds, say }: Bench): Promise<readonly Row[]> {
  say('bench: filling a cluster of PostgreSQL 18');
  return withCluster({ base, major: 18, fill: fillWithPgbench(sizeGb) }, async (cluster) => {
    const alone = [await openHoldfast(cluster), await openServerIncrementals(cluster)];
    return withAgent(cluster, async (agent) => {
      const contenders = [...alone, agent];
      for (const contender of contenders) await contender.full?.(0);
      await applyChange(cluster, judgedChange);
      const request = { scenario: serverRows, server: cluster.version, rounds: Math.min(rounds, fewRounds), say };
      return runRounds(contenders, { ...request, works: ['incremental', 'restore'] });
    });
  });
}

function runContent({ base, rounds, say }: Bench, { name, fill, most }: Content): Promise<readonly Row[]> {
  say(`bench: filling a cluster for ${name}`);
  return withCluster({ base, major: 15, fill }, async (cluster) => {
    const request = { scenario: name, server: cluster.version, rounds: Math.min(rounds, most), say };
    return runRounds(await oursAndBackrest(cluster), { ...request, works: ['full', 'restore'] });
  });
}
