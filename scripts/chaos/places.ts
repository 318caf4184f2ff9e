import { mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Start, Started } from './begun.ts';
import { channels, paces, pick, run, transfer } from './begun.ts';
import { compareWithSource, proveCopyOf, proveLogDirectory } from './copies.ts';
import type { PoolName } from './plan.ts';
import { proveInPlace } from './replaced.ts';
import { addressOf } from './session.ts';
import type { Moment } from './traffic.ts';
import type { World } from './world.ts';
import { elsewhere, resource } from './names.ts';

interface CopyAsked {
  readonly pool: PoolName;
  readonly number: number;
  readonly target: unknown;
  readonly moment?: Moment;
  /** Another host than that of the source. */
  readonly host?: string;
}

/** Restores into a directory of its own. */
export async function startCopy(world: World, { pool, number, target, moment, host }: CopyAsked): Promise<Started> {
  const directory = join(world.copies, `copy-${String(number)}`);
  const options = { channels, limits: transfer(paces.data) };
  const place = { kind: 'copy', directory };
  const asked = { resource, pool, target, place, options, ...(host === undefined ? {} : { host }) };
  const started = await run(world, '/restores', asked);
  return { ...started, prove: (result) => proveCopyOf(world, { directory, result, moment }) };
}

export const startRestoreElsewhere: Start = (world, pool, { sets, number }) => {
  const target = { at: 'immediate', setId: pick(sets, pool) };
  return startCopy(world, { pool, number: number(), target, host: elsewhere });
};

/** The log behind the newest set, into a directory of this host or of the second one. */
export const startLogRestore =
  (host?: string): Start =>
  async (world, pool, { sets, number }) => {
    const directory = join(world.copies, `log-${String(number())}`);
    const asked = { resource, pool, directory, setId: pick(sets, pool), limits: transfer(paces.log * 4) };
    const started = await run(world, '/log-restores', { ...asked, ...(host === undefined ? {} : { host }) });
    return { ...started, prove: () => proveLogDirectory(directory) };
  };

/** Restores in the place of a closed instance: with the old directory kept aside, and page by page over it in turns. */
export const startInPlace: Start = async (world, pool, { placeSets, number }) => {
  const { place } = world;
  await place.close();
  const isDelta = number() % 2 === 0;
  const started = await run(world, '/restores', {
    ...{ resource: place.name, pool, target: { at: 'immediate', setId: pick(placeSets, pool) } },
    place: { kind: 'in-place', consent: isDelta ? `overwrite ${place.name}` : place.name },
    options: {
      ...{ channels, limits: transfer(paces.data) },
      ...(isDelta ? { ways: { isDelta } } : {}),
    },
  });
  return { ...started, prove: (result) => proveInPlace(place, { isDelta, result }) };
};

/** A drill on a scratch instance, of this host or of the second one. */
export const startDrill =
  (host?: string): Start =>
  async (world, pool) => {
    const asked = { resource, pool, channels, limits: transfer(paces.data), ...(host === undefined ? {} : { host }) };
    const started = await run(world, '/drills', asked);
    return { ...started, prove: () => proveReport(world, started.run.id) };
  };

/** A drill in the place of the marked instance, which stays open for a look. */
export const startDrillInPlace: Start = async (world, pool) => {
  const { rehearsal } = world;
  const limits = transfer(paces.data);
  const asked = { resource, pool, channels, limits, target: rehearsal.name, afterwards: 'leave-open' };
  const started = await run(world, '/drills', asked);
  return {
    ...started,
    prove: async () => {
      const { dataDirectory: directory, port } = rehearsal.server;
      const address = { ...addressOf(world.source), host: join(directory, '.holdfast-socket'), port };
      try {
        return [...(await proveReport(world, started.run.id)), ...(await compareWithSource(world, address, undefined))];
      } finally {
        await rehearsal.close();
      }
    },
  };
};

interface Drilled {
  readonly report: { readonly isPassed: boolean; readonly isComplete: boolean; readonly runId: string } | null;
}

async function proveReport({ api }: World, id: string): Promise<readonly string[]> {
  const { report } = await api.get<Drilled>(`/drills/${id}`);
  const isRight = report?.isPassed === true && report.runId === id;
  return isRight ? [] : [`its report says ${JSON.stringify(report).slice(0, 400)}`];
}

/** One table of a set that nobody changes: its file is the source's, byte for byte. */
export const startExtract: Start = async (world, pool, { sets, number }) => {
  const directory = join(world.copies, `extract-${String(number())}`);
  const path = `/backup-sets/${pick(sets, pool)}/extract?pool=${pool}`;
  const started = await run(world, path, { what: 'postgres.public.customer', directory });
  return { ...started, prove: () => proveExtract(world, directory) };
};

async function proveExtract({ sql, source }: World, directory: string): Promise<readonly string[]> {
  const { rows } = await sql.query<{ path: string }>("select pg_relation_filepath('public.customer') as path");
  const path = rows[0]?.path ?? '';
  mkdirSync(directory, { recursive: true });
  const found = readdirSync(directory, { recursive: true, encoding: 'utf8' }).find(
    (name) => basename(name) === basename(path),
  );
  const isSame =
    found !== undefined && readFileSync(join(directory, found)).equals(readFileSync(join(source.dataDirectory, path)));
  rmSync(directory, { recursive: true, force: true });
  return isSame ? [] : [`${path} below ${dirname(directory)} is not the file of the source`];
}
