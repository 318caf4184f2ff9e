import type { Client } from 'pg';
import type { PoolName } from './plan.ts';
import type { World } from './world.ts';
import { resource } from './names.ts';

/** A set as the catalog has it, read past the API. */
export interface SetInCatalog {
  readonly id: string;
  readonly runId: string;
  /** Name of the resource. */
  readonly resource: string;
  readonly pool: PoolName;
  readonly type: string;
  readonly storedBytes: number;
}

interface RunInCatalog {
  readonly id: string;
  readonly kind: string;
  readonly state: string;
}

/** A session on the catalog; it must be ended. Parts may be away: callers use it when the world is whole. */
async function withCatalog<T>({ stack }: Pick<World, 'stack'>, use: (sql: Client) => Promise<T>): Promise<T> {
  const sql = await stack.places.catalog.connect('holdfast');
  try {
    return await use(sql);
  } finally {
    await sql.end();
  }
}

/** Physical sets, newest first. */
export const setsInCatalog = (world: Pick<World, 'stack'>): Promise<readonly SetInCatalog[]> =>
  withCatalog(world, async (sql) => {
    const { rows } = await sql.query<SetInCatalog>(
      `select s.id, s.run_id as "runId", r.name as resource, p.name as pool, s.summary->>'type' as type,
              (s.summary->>'storedBytes')::float8 as "storedBytes"
         from backup_set s join pool p on p.id = s.pool_id join resource r on r.id = s.resource_id order by s.ended_at desc, s.id desc`,
    );
    return rows;
  });

/** Logical sets, newest first. */
export const logicalSetsInCatalog = (world: Pick<World, 'stack'>): Promise<readonly SetInCatalog[]> =>
  withCatalog(world, async (sql) => {
    const { rows } = await sql.query<SetInCatalog>(
      `select s.id, s.run_id as "runId", r.name as resource, p.name as pool, 'logical' as type,
              (s.summary->>'storedBytes')::float8 as "storedBytes"
         from logical_set s join pool p on p.id = s.pool_id join resource r on r.id = s.resource_id order by s.ended_at desc, s.id desc`,
    );
    return rows;
  });

export const runsInCatalog = (world: Pick<World, 'stack'>): Promise<readonly RunInCatalog[]> =>
  withCatalog(world, async (sql) => (await sql.query<RunInCatalog>('select id, kind, state from run')).rows);

interface PoolTimeline {
  readonly poolName: string;
  readonly timeline: { readonly coveredUntil?: string };
}

/** Time up to which a pool holds the log of the source without a gap; '' when it holds none. */
export async function coveredUntil({ api }: Pick<World, 'api'>, pool: PoolName): Promise<string> {
  const { data } = await api.look<{ data: PoolTimeline[] }>(`/resources/${resource}/timeline`);
  return data.find(({ poolName }) => poolName === pool)?.timeline.coveredUntil ?? '';
}

const metaKey = /^(sets|logical)\/([^/]+)\/meta$/;

/** Ids of the sets that anybody sees in a pool, by its own listing. */
export async function visibleIn({ pools }: Pick<World, 'pools'>, pool: PoolName): Promise<readonly string[]> {
  const all = [...(await pools[pool].list('sets/')), ...(await pools[pool].list('logical/'))];
  return all.flatMap(({ key }) => metaKey.exec(key)?.[2] ?? []).sort();
}
