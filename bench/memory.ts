import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { giveToUnprivileged } from '#scripts/supervisor/unprivileged.ts';
import { openBackrest } from './backrest.ts';
import type { BenchCluster } from './cluster.ts';
import { openBenchCluster } from './cluster.ts';
import type { Contender } from './contender.ts';
import { fillWithPgbench } from './fills.ts';
import { openHoldfast } from './holdfast.ts';

/** Peak memory of one contender for one shape of work, and how long that took. */
export interface MemoryPoint {
  readonly contender: string;
  readonly files: number;
  readonly channels: number;
  readonly backupMiB: number;
  readonly restoreMiB: number;
  readonly backupSeconds: number;
  readonly restoreSeconds: number;
}

const channelCurve = [1, 2, 8, 32, 128, 255];
const fileCurve = [1000, 10_000, 50_000, 200_000];
const filesPerFolder = 1000;
const fileBytes = 4096;

export interface MemoryRequest {
  readonly base: string;
  readonly sizeGb: number;
  readonly say: (text: string) => void;
}

/** Memory by channels on a cluster of pgbench, then by files: one backup and one restore each, of pgBackRest by files only. */
export async function measureMemory({ base, sizeGb, say }: MemoryRequest): Promise<readonly MemoryPoint[]> {
  const points: MemoryPoint[] = [];
  const cluster = await openBenchCluster({ base, major: 15, fill: fillWithPgbench(sizeGb) });
  const add = async (contender: Contender, channels: number, files: number): Promise<void> => {
    const point = await measure(contender, channels, files);
    say(`bench: memory ${JSON.stringify(point)}`);
    points.push(point);
  };
  try {
    const files = countFiles(cluster);
    for (const channels of channelCurve) await add(await oursWith(cluster, channels, files), channels, files);
    const backrest = await openBackrest(cluster);
    for (const wanted of fileCurve) {
      addFiles(cluster, wanted - countFiles(cluster));
      const there = countFiles(cluster);
      await add(await oursWith(cluster, 2, wanted), 2, there);
      if (backrest !== undefined) await add(backrest, 2, there);
    }
    return points;
  } finally {
    await cluster.close();
  }
}

/** A contender of its own for each point, as each has its own home. */
const oursWith = (cluster: BenchCluster, channels: number, files: number): Promise<Contender> =>
  openHoldfast(cluster, { channels, folder: `memory-${String(channels)}-${String(files)}` });

async function measure(contender: Contender, channels: number, files: number): Promise<MemoryPoint> {
  const backup = await contender.full?.(0);
  const restore = await contender.restore?.(0);
  const tenths = (ms = 0): number => Math.round(ms / 100) / 10;
  return {
    ...{ contender: contender.name, files, channels },
    ...{ backupMiB: backup?.rssMiB ?? 0, restoreMiB: restore?.rssMiB ?? 0 },
    ...{ backupSeconds: tenths(backup?.ms), restoreSeconds: tenths(restore?.ms) },
  };
}

const countFiles = ({ dataDirectory }: BenchCluster): number =>
  readdirSync(dataDirectory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).length;

/** Files of a page's half that no server wrote: a backup takes unknown files like any other. */
function addFiles({ dataDirectory }: BenchCluster, count: number): void {
  const text = 'a file among many of its kind, '.repeat(200).slice(0, fileBytes);
  for (let done = 0, folder = ''; done < count; done++) {
    if (done % filesPerFolder === 0) {
      folder = join(dataDirectory, `bench_files_${String(count)}_${String(done / filesPerFolder)}`);
      mkdirSync(folder, { mode: 0o700 });
      giveToUnprivileged(folder);
    }
    const path = join(folder, String(done));
    writeFileSync(path, `${String(done)} ${text}`, { mode: 0o600 });
    giveToUnprivileged(path);
  }
}
