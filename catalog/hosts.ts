import { z } from 'zod';
import type { AgentReport } from '#core/agent/inspection.ts';
import { fail } from '#core/errors/fail.ts';
import type { HostId } from '#core/id.ts';
import { agentReportShape } from '#core/settings/shape/host.ts';
import { idShape, instantShape } from '#core/settings/shape/words.ts';
import type { Database } from './database.ts';
import { nearOf } from './near-names.ts';
import { jsonText } from '#core/text.ts';

/** Three reports of 10 s may be missed before a host counts as offline. */
export const onlineSeconds = 35;

export const hostShape = z.object({
  id: idShape('host'),
  name: z.string(),
  hostname: z.string(),
  agentVersion: z.string(),
  enrolledAt: instantShape,
  reportedAt: instantShape.nullable(),
  isOnline: z.boolean(),
  report: agentReportShape.nullable(),
});
export type HostRow = z.output<typeof hostShape>;

const columns = `id, name, hostname, agent_version as "agentVersion", enrolled_at as "enrolledAt",
  reported_at as "reportedAt", report,
  coalesce(reported_at > now() - make_interval(secs => ${String(onlineSeconds)}), false) as "isOnline"`;

export const listHosts = (db: Database): Promise<HostRow[]> =>
  db.rows(hostShape, `select ${columns} from host where revoked_at is null order by id`);

/** By id or by name. Throws `host_unknown`. */
export async function getHost(db: Database, idOrName: string): Promise<HostRow> {
  const rows = await db.rows(
    hostShape,
    `select ${columns} from host where revoked_at is null and (id = $1 or name = $1)`,
    [idOrName],
  );
  const host = rows[0];
  if (host === undefined) throw fail('host_unknown', { host: idOrName, near: await nearOf(db, 'host', idOrName) });
  return host;
}

export interface NewHost {
  readonly id: HostId;
  readonly name: string;
  readonly hostname: string;
  readonly agentVersion: string;
  readonly keySha256: Uint8Array;
}

/** Enrols a host (K-007). A taken name gets the tail of the id, so that enrolment never fails for a name. */
export async function addHost(db: Database, host: NewHost): Promise<void> {
  const taken = await db.rows(z.object({ id: z.string() }), 'select id from host where name = $1', [host.name]);
  const name = taken.length === 0 ? host.name : `${host.name}-${host.id.slice(-6)}`;
  await db.change('insert into host (id, name, hostname, agent_version, key_sha256) values ($1, $2, $3, $4, $5)', [
    host.id,
    name,
    host.hostname,
    host.agentVersion,
    host.keySha256,
  ]);
}

/** SHA-256 of the key of a host; undefined when unknown or revoked. */
export async function hostKeySha256(db: Database, id: HostId): Promise<Uint8Array | undefined> {
  const rows = await db.rows(
    z.object({ sha256: z.instanceof(Uint8Array) }),
    'select key_sha256 as sha256 from host where id = $1 and revoked_at is null',
    [id],
  );
  return rows[0]?.sha256;
}

export const storeReport = (db: Database, id: HostId, report: AgentReport): Promise<number> =>
  db.change('update host set report = $2, reported_at = now(), agent_version = $3, hostname = $4 where id = $1', [
    id,
    jsonText(report),
    report.agentVersion,
    report.hostname,
  ]);
