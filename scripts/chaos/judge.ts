import { isDeepStrictEqual } from 'node:util';
import type { AtKill } from './acknowledged.ts';
import { putTwice, resentBytesOf } from './acknowledged.ts';
import { proveFrozen, proveShop, stockDatabase } from './frozen.ts';
import { leftBehind } from './left-behind.ts';
import type { Started } from './begun.ts';
import type { Kind } from './plan.ts';
import { poolNames } from './plan.ts';
import type { Wrong } from './record.ts';
import { addressOf } from './session.ts';
import type { SetInCatalog } from './sets.ts';
import { logicalSetsInCatalog, setsInCatalog, visibleIn } from './sets.ts';
import type { Watched } from './watch.ts';
import { isOver } from './watch.ts';
import type { World } from './world.ts';

interface Case {
  readonly world: World;
  readonly episode: number;
  readonly runs: readonly Watched[];
  /** Of the same order as `runs`. */
  readonly started: readonly (Started | undefined)[];
  readonly atKills: readonly AtKill[];
}

interface Judgement {
  readonly wrongs: readonly Wrong[];
  readonly resentBytes: number;
  readonly proofs: Readonly<Record<string, number>>;
}

const makingSets: readonly Kind[] = ['full-backup', 'incremental-backup', 'merge-set', 'logical-backup'];

const isGood = ({ state }: Watched): boolean => state === 'succeeded' || state === 'warned';
const nameOf = ({ kind, id }: Watched): string => `${kind} ${id}`;

/** Looks at everything that a run which is over may have left wrong (build.md "right end"). */
export async function judge(of: Case): Promise<Judgement> {
  const { world, episode, runs } = of;
  const made = await proveWhatWasMade(of);
  const sets = [...(await setsInCatalog(world)), ...(await logicalSetsInCatalog(world))];
  const resent = await resentIn(of, sets);
  const texts = [
    ...runs.flatMap(stateWrongs),
    ...(await lastWords(world, runs)),
    ...made.wrongs,
    ...(await visibilityWrongs(world, runs, sets)),
    // Why caught: a swap that is not over may take a database away from under our look.
    ...(await sourceWrongs(world).catch((error: unknown) => [`the source cannot be looked at: ${String(error)}`])),
    ...(await leftBehind(world)).map((what) => `left behind: ${what}`),
    ...resent.wrongs,
  ];
  const wrongs = texts.map((what) => ({ episode, what }));
  return { wrongs, resentBytes: resent.bytes, proofs: { ...made.proofs, 'source equal by hash': 1 } };
}

/**
 * A run of the load has nothing that could keep it from succeeding. A stream ends when it is cancelled, and a plan of
 * retention that a neighbour has overtaken is refused before anything is touched.
 */
function hasRightState(run: Watched): boolean {
  if (run.kind === 'log-stream') return run.state === 'cancelled';
  return isGood(run) || (run.kind === 'retention' && run.state === 'failed' && run.outcome.code === 'plan_outdated');
}

function stateWrongs(run: Watched): readonly string[] {
  if (run.id === '' || hasRightState(run)) return [];
  const { code = '', message = '' } = run.outcome;
  return [`${nameOf(run)} ${isOver(run) ? `ended ${run.state}: ${code} ${message}` : `is not over: ${run.phase}`}`];
}

/** The end of the log of each run that did not end right, for whoever reads of it. */
async function lastWords({ api }: World, runs: readonly Watched[]): Promise<readonly string[]> {
  const texts: string[] = [];
  for (const run of runs.filter((one) => stateWrongs(one).length > 0)) {
    const { data } = await api.get<{ data: { at: string; message: string }[] }>(`/runs/${run.id}/logs?limit=1000`);
    texts.push(...data.slice(-8).map(({ at, message }) => `log of ${run.id}: ${at} ${message}`));
  }
  return texts.length === 0 ? [] : [texts.join('\n      ')];
}

async function proveWhatWasMade({ runs, started }: Case): Promise<Pick<Judgement, 'proofs'> & { wrongs: string[] }> {
  const wrongs: string[] = [];
  let proofs = 0;
  for (const [at, run] of runs.entries()) {
    const prove = started[at]?.prove;
    if (prove === undefined || !isGood(run)) continue;
    proofs += 1;
    const found = await prove(run.outcome.result ?? {}).catch((error: unknown) => [String(error)]);
    wrongs.push(...found.map((what) => `${nameOf(run)}: ${what}`));
  }
  return { wrongs, proofs: { 'made by restores equal to the source': proofs } };
}

/** No false commit: a run says success exactly when its set is visible, and no run has two. */
async function visibilityWrongs(
  world: World,
  runs: readonly Watched[],
  sets: readonly SetInCatalog[],
): Promise<string[]> {
  const wrongs: string[] = [];
  const visible = { near: await visibleIn(world, 'near'), far: await visibleIn(world, 'far') };
  for (const pool of poolNames) {
    const known = sets.filter((set) => set.pool === pool).map(({ id }) => id);
    if (!isDeepStrictEqual([...known].sort(), visible[pool]))
      wrongs.push(`pool ${pool} shows ${visible[pool].join(' ')}, the catalog ${[...known].sort().join(' ')}`);
  }
  for (const run of runs.filter(({ kind, id }) => makingSets.includes(kind) && id !== '')) {
    const ofRun = new Set(sets.filter(({ runId }) => runId === run.id).map(({ id }) => id));
    const isSeen = run.setId !== null && visible[run.pool].includes(run.setId);
    if (isGood(run) !== isSeen)
      wrongs.push(`${nameOf(run)} says ${run.state}, its set is ${isSeen ? '' : 'not '}visible`);
    if (ofRun.size > 1) wrongs.push(`${nameOf(run)} has ${String(ofRun.size)} sets`);
  }
  return wrongs;
}

async function sourceWrongs({ sql, frozen, shop, stock, source }: World): Promise<string[]> {
  const isSame =
    isDeepStrictEqual(await proveFrozen(sql), frozen) &&
    isDeepStrictEqual(await proveShop(addressOf(source)), shop) &&
    isDeepStrictEqual(await proveShop(addressOf(source), stockDatabase), stock);
  return isSame ? [] : ['the source is not what it was, by hash'];
}

async function resentIn(
  { world, runs, atKills }: Case,
  sets: readonly SetInCatalog[],
): Promise<{ bytes: number; wrongs: string[] }> {
  const wrongs: string[] = [];
  let bytes = 0;
  for (const run of runs.filter((one) => makingSets.includes(one.kind) && isGood(one))) {
    const set = sets.find(({ runId, pool }) => runId === run.id && pool === run.pool);
    const resent = set === undefined ? 0 : await resentBytesOf(world, set, atKills);
    if (resent > 0) wrongs.push(`${nameOf(run)}: ${String(resent)} bytes that were acknowledged were sent again`);
    bytes += resent;
  }
  const twice = putTwice(world.counter.puts);
  if (twice.length > 0) wrongs.push(`acknowledged twice: ${twice.join(' ')}`);
  return { bytes, wrongs };
}
