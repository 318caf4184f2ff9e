import { z } from 'zod';
import type { DiscoveredInstance, PreflightReport } from '#core/agent/inspection.ts';
import { fail } from '#core/errors/fail.ts';
import type { HostId, PoolId, ResourceId } from '#core/id.ts';
import { preflightShape } from '#core/settings/shape/host.ts';
import { countShape, idShape, instantShape } from '#core/settings/shape/words.ts';
import type { Database } from '#catalog/database.ts';
import { nearOf } from '#catalog/near-names.ts';
import { forgetCopies, resourceWithCopy } from '#catalog/drills/drilled-copies.ts';
import { jsonText } from '#core/text.ts';

export const resourceShape = z.object({
  id: idShape('res'),
  hostId: idShape('host').nullable(),
  name: z.string(),
  engine: z.string(),
  systemId: z.string(),
  serverMajor: countShape,
  dataDirectory: z.string(),
  port: countShape,
  socket: z.string(),
  isLoggedIn: z.boolean(),
  loginUser: z.string().nullable(),
  preflight: preflightShape.nullable(),
  preflightAt: instantShape.nullable(),
  createdAt: instantShape,
  isDrillTarget: z.boolean().meta({ description: 'Drills may replace it' }),
  copyOf: z.string().nullable().meta({ description: 'The resource whose data a drill put in its place' }),
  copyUntil: instantShape.nullable().meta({ description: 'The moment up to which that copy knows its source' }),
});
export type ResourceRow = z.output<typeof resourceShape>;

const select = `select r.id, r.host_id as "hostId", r.name, r.engine, r.system_id as "systemId",
  r.server_major as "serverMajor", r.data_directory as "dataDirectory", r.port, r.socket, r.preflight,
  r.preflight_at as "preflightAt", r.created_at as "createdAt", l.user_name as "loginUser",
  l.resource_id is not null as "isLoggedIn", t.resource_id is not null as "isDrillTarget",
  c.source_name as "copyOf", c.known_until as "copyUntil"
  from resource r left join resource_login l on l.resource_id = r.id left join drill_target t on t.resource_id = r.id
  left join drilled_copy c on c.resource_id = r.id and c.known_until is not null`;

export const listResources = (db: Database): Promise<ResourceRow[]> =>
  db.rows(resourceShape, `${select} order by r.id`);

/** By id or by name. Throws `resource_unknown`. */
export async function getResource(db: Database, idOrName: string): Promise<ResourceRow> {
  const rows = await db.rows(resourceShape, `${select} where r.id = $1 or r.name = $1`, [idOrName]);
  const resource = rows[0];
  if (resource === undefined)
    throw fail('resource_unknown', { resource: idOrName, near: await nearOf(db, 'resource', idOrName) });
  return resource;
}

/** The host that has a resource. Throws `resource_detached`. */
export function hostOfResource({ hostId, name }: ResourceRow): HostId {
  if (hostId === null) throw fail('resource_detached', { resource: name });
  return hostId;
}

export interface NewResource {
  readonly id: ResourceId;
  readonly hostId: HostId;
  readonly name: string;
  readonly found: DiscoveredInstance;
  /** The operator says that it is none of the resources that no host has. */
  readonly isNew?: boolean;
}

/**
 * Registers a discovered instance. The same instance (host, data directory and system id) is refreshed; one in which a drill put a copy
 * stays what it was; another cluster in that directory is another resource, and the former one keeps its sets and its id without a place. A resource without a
 * host (removed, or known only from a pool) is adopted, so that its sets are its own again, when the operator names it or
 * it was last seen in that directory. Returns the id it has. Throws `adoption_ambiguous`, `name_taken`.
 */
export function registerResource(db: Database, asked: NewResource): Promise<ResourceId> {
  const { id, hostId, name, found } = asked;
  return db.transaction(async (inside) => {
    const copied = await resourceWithCopy(inside, { hostId, ...found });
    if (copied !== undefined) return copied;
    await detachOther(inside, hostId, found);
    const existing = (await registeredAs(inside, hostId, found)) ?? (await adoptable(inside, asked));
    if (existing !== undefined) await forgetCopies(inside, existing);
    const place = [
      hostId,
      found.engine,
      found.systemId,
      found.serverMajor,
      found.dataDirectory,
      found.port,
      found.socket,
    ];
    if (existing !== undefined) {
      await inside.change(
        `update resource set host_id = $2, engine = $3, system_id = $4, server_major = $5, data_directory = $6,
           port = $7, socket = $8 where id = $1`,
        [existing, ...place],
      );
      return existing;
    }
    await demandFreeName(inside, name);
    await inside.change(
      `insert into resource (id, host_id, engine, system_id, server_major, data_directory, port, socket, name)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
      [id, ...place, name],
    );
    return id;
  });
}

const knownShape = z.object({ id: idShape('res'), name: z.string() });

/** A cluster that is no longer where it was registered; its login is for the database that was there. */
async function detachOther(
  db: Database,
  hostId: HostId,
  { dataDirectory, systemId }: DiscoveredInstance,
): Promise<void> {
  const gone = await db.rows(
    knownShape,
    `update resource set host_id = null, preflight = null, preflight_at = null
     where host_id = $1 and data_directory = $2 and system_id <> $3 returning id, name`,
    [hostId, dataDirectory, systemId],
  );
  for (const { id } of gone) {
    await db.change('delete from resource_login where resource_id = $1', [id]);
    await forgetCopies(db, id);
  }
}

async function registeredAs(
  db: Database,
  hostId: HostId,
  { dataDirectory }: DiscoveredInstance,
): Promise<ResourceId | undefined> {
  const rows = await db.rows(
    knownShape,
    'select id, name from resource where host_id = $1 and data_directory = $2 for update',
    [hostId, dataDirectory],
  );
  return rows[0]?.id;
}

/**
 * Copies of one origin have one system id: which of them an instance is, nobody can tell but its operator. One that is
 * taken for its origin would go on with the sets and the log of the other.
 */
async function adoptable(
  db: Database,
  { found: { systemId, dataDirectory }, name, isNew = false }: NewResource,
): Promise<ResourceId | undefined> {
  if (isNew) return undefined;
  const known = await db.rows(
    knownShape.extend({ dataDirectory: z.string() }),
    `select id, name, data_directory as "dataDirectory" from resource
     where host_id is null and system_id = $1 order by id for update`,
    [systemId],
  );
  const sameName = known.find((one) => one.name === name);
  const samePlace = known.filter((one) => one.dataDirectory === dataDirectory);
  const chosen = sameName ?? (samePlace.length > 1 ? undefined : samePlace[0]);
  if (chosen !== undefined || known.length === 0) return chosen?.id;
  const names = known.map((one) => one.name).join(', ');
  throw fail('adoption_ambiguous', { directory: dataDirectory, resources: names });
}

/** A name that no resource has yet: the wanted one, or the same with a number behind it. */
export async function freeResourceName(db: Database, wanted: string): Promise<string> {
  const rows = await db.rows(z.object({ name: z.string() }), 'select name from resource where starts_with(name, $1)', [
    wanted,
  ]);
  const taken = new Set(rows.map((row) => row.name));
  for (let n = 1; ; n++) {
    const name = n === 1 ? wanted : `${wanted}-${String(n)}`;
    if (!taken.has(name)) return name;
  }
}

/** Throws `name_taken`. */
export async function demandFreeName(db: Database, name: string): Promise<void> {
  const rows = await db.rows(z.object({ id: z.string() }), 'select id from resource where name = $1', [name]);
  if (rows.length > 0) throw fail('name_taken', { name, noun: 'resource' });
}

/** Makes sure that what a pool names has a row: a rebuilt catalog knows resources before any host has them. */
export async function ensureResource(
  db: Database,
  known: { readonly id: ResourceId; readonly engine: string; readonly systemId: string; readonly serverMajor: number },
): Promise<void> {
  await db.change(
    `insert into resource (id, host_id, name, engine, system_id, server_major, data_directory, port, socket)
     values ($1, null, $2, $3, $4, $5, '', 0, '') on conflict (id) do nothing`,
    [known.id, `found-${known.id.slice(-12)}`, known.engine, known.systemId, known.serverMajor],
  );
}

export const storePreflight = (db: Database, id: ResourceId, report: PreflightReport): Promise<number> =>
  db.change('update resource set preflight = $2, preflight_at = now() where id = $1', [id, jsonText(report)]);

export interface StoredLogin {
  readonly user: string;
  readonly database: string;
  /** AES-256-GCM under the master key; only the API can open it. */
  readonly sealedPassword: Uint8Array;
}

export async function storeLogin(db: Database, id: ResourceId, login: StoredLogin): Promise<void> {
  await db.change(
    `insert into resource_login (resource_id, user_name, database_name, sealed_password) values ($1, $2, $3, $4)
     on conflict (resource_id) do update set user_name = excluded.user_name, database_name = excluded.database_name,
       sealed_password = excluded.sealed_password, checked_at = now()`,
    [id, login.user, login.database, login.sealedPassword],
  );
}

const loginShape = z.object({ user: z.string(), database: z.string(), sealedPassword: z.instanceof(Uint8Array) });

export async function findLogin(db: Database, id: ResourceId): Promise<StoredLogin | undefined> {
  const rows = await db.rows(
    loginShape,
    `select user_name as user, database_name as database, sealed_password as "sealedPassword"
     from resource_login where resource_id = $1`,
    [id],
  );
  return rows[0];
}

/** Notes a pool as a target of the log backup of a resource (K-080); fine when it is one already. */
export const addLogPool = (db: Database, resource: ResourceId, pool: PoolId): Promise<number> =>
  db.change('insert into resource_log_pool (resource_id, pool_id) values ($1, $2) on conflict do nothing', [
    resource,
    pool,
  ]);

export const removeLogPool = (db: Database, resource: ResourceId, pool: PoolId): Promise<number> =>
  db.change('delete from resource_log_pool where resource_id = $1 and pool_id = $2', [resource, pool]);

/** Target pools of the log backup of a resource, the oldest first. */
export async function logPoolsOf(db: Database, resource: ResourceId): Promise<PoolId[]> {
  const rows = await db.rows(
    z.object({ id: idShape('pool') }),
    'select pool_id as id from resource_log_pool where resource_id = $1 order by added_at, pool_id',
    [resource],
  );
  return rows.map((row) => row.id);
}
