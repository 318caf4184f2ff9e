import { z } from 'zod';
import type { HostId } from '#core/id.ts';
import type { Database } from '#catalog/database.ts';

export interface NewInspection {
  readonly id: string;
  readonly hostId: HostId;
  readonly kind: string;
  /** May hold a password that was just typed: sealed, and gone after the answer. */
  readonly sealedRequest: Uint8Array;
  readonly validSeconds: number;
}

export async function addInspection(db: Database, inspection: NewInspection): Promise<void> {
  await db.change('delete from inspection where expires_at < now()');
  await db.change(
    `insert into inspection (id, host_id, kind, sealed_request, expires_at)
     values ($1, $2, $3, $4, now() + make_interval(secs => $5))`,
    [inspection.id, inspection.hostId, inspection.kind, inspection.sealedRequest, inspection.validSeconds],
  );
}

/** The sealed question, only for the host it was put to and only until it expires. */
export async function findInspection(db: Database, id: string, host: HostId): Promise<Uint8Array | undefined> {
  const rows = await db.rows(
    z.object({ sealed: z.instanceof(Uint8Array) }),
    'select sealed_request as sealed from inspection where id = $1 and host_id = $2 and expires_at > now()',
    [id, host],
  );
  return rows[0]?.sealed;
}

export const removeInspection = (db: Database, id: string): Promise<number> =>
  db.change('delete from inspection where id = $1', [id]);
