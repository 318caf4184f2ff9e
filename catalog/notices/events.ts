import { z } from 'zod';
import { bug } from '#core/errors/fail.ts';
import type { EventId, RunId } from '#core/id.ts';
import type { EventSubjects, HoldfastEvent } from '#core/notice/event.ts';
import type { EventType } from '#core/notice/event-type.ts';
import type { OutcomeTeller } from '#core/ports/outcome-teller.ts';
import { eventShape } from '#core/settings/shape/event.ts';
import { countShape, idShape } from '#core/settings/shape/words.ts';
import type { Database } from '#catalog/database.ts';
import { jsonText } from '#core/text.ts';

export interface NewEvent extends EventSubjects {
  readonly type: EventType;
  /** A second event with the same key is none. */
  readonly key?: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

/**
 * Puts an event into the outbox, in the transaction of what it tells of. Events of runs, of damaged and of quarantined sets
 * are written by the catalog itself (migration 0010). False when the key was used before.
 */
export async function addEvent(db: Database, event: NewEvent): Promise<boolean> {
  const { type, key, runId, jobId, resourceId, hostId, poolId, setId, data = {} } = event;
  const subjects = [runId, jobId, resourceId, hostId, poolId, setId].map((id) => id ?? null);
  const added = await db.change(
    `insert into event (type, key, run_id, job_id, resource_id, host_id, pool_id, set_id, data)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (key) do nothing`,
    [type, key ?? null, ...subjects, jsonText(data)],
  );
  return added > 0;
}

/** The event that was added with a key in this transaction or before. */
export async function eventIdByKey(db: Database, key: string): Promise<EventId> {
  const [row] = await db.rows(z.object({ id: idShape('evt') }), 'select id from event where key = $1', [key]);
  if (row === undefined) throw bug(`no event has the key ${key}`);
  return row.id;
}

/** Makes sure that the end of a run is in the outbox; a run that is not closed has none yet. */
export const openOutcomeTeller = (db: Database): OutcomeTeller => ({
  tellOutcome: async (runId: RunId) => {
    await db.rows(
      z.unknown(),
      `select tell_run(r) from run r where r.id = $1 and r.state not in ('queued', 'running', 'paused')`,
      [runId],
    );
  },
});

/** Columns of an event `e` as `eventShape` reads them. */
export const eventColumns = `e.id, e.seq, e.type, e.at, e.run_id as "runId", e.job_id as "jobId", e.resource_id as "resourceId",
  e.host_id as "hostId", e.pool_id as "poolId", e.set_id as "setId", e.data`;

export interface EventFilter {
  readonly types?: readonly EventType[] | undefined;
  readonly resourceId?: string | undefined;
  readonly runId?: string | undefined;
}

const filterSql = `($2::text[] is null or e.type = any ($2)) and ($3::text is null or e.resource_id = $3)
  and ($4::text is null or e.run_id = $4)`;
const filterOf = ({ types, resourceId, runId }: EventFilter): readonly unknown[] => [
  ...[types ?? null, resourceId ?? null, runId ?? null],
];

/** Events behind a number, in their order. */
export const eventsAfter = (
  db: Database,
  after: number,
  limit: number,
  filter: EventFilter = {},
): Promise<HoldfastEvent[]> =>
  db.rows(eventShape, `select ${eventColumns} from event e where e.seq > $1 and ${filterSql} order by e.seq limit $5`, [
    ...[after, ...filterOf(filter), limit],
  ]);

/** Newest first, before a number; from the newest when there is none. */
export const eventsBefore = (
  db: Database,
  before: number | undefined,
  limit: number,
  filter: EventFilter = {},
): Promise<HoldfastEvent[]> =>
  db.rows(
    eventShape,
    `select ${eventColumns} from event e where ($1::bigint is null or e.seq < $1) and ${filterSql}
     order by e.seq desc limit $5`,
    [before ?? null, ...filterOf(filter), limit],
  );

/** The number of the newest event; 0 when there is none. */
export async function lastEventNumber(db: Database): Promise<number> {
  const [row] = await db.rows(
    z.object({ last: countShape }),
    'select coalesce(max(seq), 0)::bigint as last from event',
  );
  return row?.last ?? 0;
}

/** Removes events older than so many days, with their deliveries. Drills that passed stay: they are proofs, and few. */
export const forgetEvents = (db: Database, days: number): Promise<number> =>
  db.change(`delete from event where at < now() - make_interval(days => $1) and type <> 'drill.passed'`, [days]);
