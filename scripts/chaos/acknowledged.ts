import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PoolName } from './plan.ts';
import type { Put } from './put-counter.ts';
import { isAcknowledged } from './put-counter.ts';
import type { World } from './world.ts';

/** Keys below `sets/<set>/` or `logical/<set>/` that the agent of a run had on record as acknowledged when it died. */
export interface AtKill {
  readonly setId: string;
  /** `<attempt>/piece-<number>.bak` */
  readonly recorded: ReadonlySet<string>;
  /** Pieces that the pool had by then. */
  readonly there: ReadonlySet<string>;
}

interface Line {
  readonly piece?: { readonly piece: number; readonly attempt: string };
}

/** A line half written tells of nothing. */
function recordedIn(path: string): ReadonlySet<string> {
  if (!existsSync(path)) return new Set();
  const lines = readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line.endsWith('}'));
  return new Set(
    lines.flatMap((line) => {
      const { piece } = JSON.parse(line) as Line;
      return piece === undefined ? [] : [`${piece.attempt}/piece-${String(piece.piece).padStart(6, '0')}.bak`];
    }),
  );
}

const pieceOfSet = /^(?:sets|logical)\/([^/]+)\/([^/]+\/piece-\d+\.bak)$/;

/** Name and bytes of each piece of a set that a pool acknowledged: by its port, or by its directory. */
async function piecesPut(world: World, setId: string, pool: PoolName): Promise<ReadonlyMap<string, number>> {
  const objects =
    pool === 'far'
      ? world.counter.puts.filter(isAcknowledged)
      : [...(await world.pools[pool].list(`sets/${setId}/`)), ...(await world.pools[pool].list(`logical/${setId}/`))];
  const pieces = objects.flatMap(({ key, bytes }) => {
    const [, set, name] = pieceOfSet.exec(key) ?? [];
    return set === setId && name !== undefined ? [[name, bytes] as const] : [];
  });
  return new Map(pieces);
}

/** What was acknowledged to the agent of a run, and what was still on its way, at the moment when it was dead. */
export async function lookAtKill(
  world: World,
  { runId, setId, pool }: { readonly runId: string; readonly setId: string; readonly pool: PoolName },
): Promise<AtKill> {
  const recorded = recordedIn(join(world.stack.places.agentHome, 'runs', runId, 'acknowledged.ndjson'));
  return { setId, recorded, there: new Set((await piecesPut(world, setId, pool)).keys()) };
}

/** A later attempt sees another position of the log and other statistics: so much of a set may differ. */
const changingShare = 0.05;
const changingBytes = 1_048_576;

/**
 * Bytes of a set that its pool had acknowledged and got again: what was put, without what the set refers to and without
 * what was on its way when an agent died. 0 while that is not more than what changes by itself between two attempts.
 */
export async function resentBytesOf(
  world: World,
  set: { readonly id: string; readonly pool: PoolName; readonly storedBytes: number },
  kills: readonly AtKill[],
): Promise<number> {
  const own = kills.filter(({ setId }) => setId === set.id);
  const recorded = new Set(own.flatMap((kill) => [...kill.recorded]));
  const strays = new Set(own.flatMap((kill) => [...kill.there]).filter((name) => !recorded.has(name)));
  let bytes = -set.storedBytes;
  for (const [name, size] of await piecesPut(world, set.id, set.pool)) if (!strays.has(name)) bytes += size;
  return bytes > set.storedBytes * changingShare + changingBytes ? bytes : 0;
}

/** Objects that a pool acknowledged twice under one key: a put that was accepted is never asked for again. */
export const putTwice = (puts: readonly Put[]): readonly string[] => {
  const seen = new Set<string>();
  const twice = new Set<string>();
  for (const { key } of puts.filter(isAcknowledged)) {
    if (seen.has(key)) twice.add(key);
    seen.add(key);
  }
  return [...twice];
};
