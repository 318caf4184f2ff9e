import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import { parseObjectKey } from '#core/format/object-key.ts';
import type { PlannedSegment, RestorePlan } from '#core/restore/plan/plan.ts';
import type { EmptyTarget } from '#agent/datadir/writer.ts';
import type { Pool } from '#agent/pools/open-pool.ts';
import { getLogSegment } from '#agent/sets/log-objects.ts';

export interface PrefillRequest {
  readonly plan: RestorePlan;
  readonly pool: Pool;
  readonly target: EmptyTarget;
  readonly signal: AbortSignal;
  onSegment(done: number): void;
}

/** Segments fetched at once: each is up to a segment in memory, 16 MiB by default. */
const fetchesAtOnce = 4;

/**
 * Puts every planned segment and every known history file into pg_wal, verified, so that recovery fetches nothing and
 * cannot take log that the plan did not choose (design §7). One missing segment stops the restore before the server
 * starts. Throws `restore_log_missing`, `cancelled`, what the pool throws.
 */
export async function prefillLog(request: PrefillRequest): Promise<void> {
  const { plan, target } = request;
  for (const [name, text] of Object.entries(plan.histories)) target.writeFile(`${target.files.log}/${name}`, text);
  const queue = plan.segments.values();
  let done = 0;
  const work = async (): Promise<void> => {
    for (const segment of queue) {
      if (request.signal.aborted) throw fail('cancelled', { what: 'the restore' });
      await target.writeLog(segment.name, await fetchSegment(request, segment));
      request.onSegment(++done);
    }
  };
  await Promise.all(Array.from({ length: Math.min(fetchesAtOnce, plan.segments.length) }, work));
}

/** A tail that was saved unfinished is padded: the server wants whole files and takes zeros for the end of the log. */
async function fetchSegment({ plan, pool }: PrefillRequest, segment: PlannedSegment): Promise<Uint8Array> {
  const raw = await getLogSegment(pool, parseObjectKey(segment.object), segment.rawSha256).catch((error: unknown) => {
    if (error instanceof HoldfastError && error.isRetryable) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw fail('restore_log_missing', { segment: segment.name, pool: pool.name, reason }, error);
  });
  if (raw.length === plan.segmentBytes) return raw;
  if (raw.length > plan.segmentBytes)
    throw fail('restore_log_missing', {
      segment: segment.name,
      pool: pool.name,
      reason: `it holds ${String(raw.length)} bytes`,
    });
  const whole = Buffer.alloc(plan.segmentBytes);
  whole.set(raw);
  return whole;
}
