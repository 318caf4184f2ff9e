import { join } from 'node:path';
import type { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { SegmentOfBatch } from '#core/log/batch-summary.ts';
import type { StepContext } from '#core/ports/step.ts';
import { sha256Hex } from '#agent/codec/hash.ts';
import type { Pool } from '#agent/pools/open-pool.ts';
import type { ArchiveListing } from './archive/archive-folder.ts';
import { SegmentBuffer } from './archive/archive-folder.ts';
import type { BranchPlace } from './committed-log.ts';
import type { LogTally } from './log-tally.ts';
import { sealedAsBefore } from './seal-as-before.ts';

/** Where a lost segment is looked for, and how it is put. */
interface Replacing {
  readonly archive: ArchiveListing;
  readonly deps: { readonly pool: Pool };
  readonly branch: BranchPlace;
  readonly level: number;
  readonly tally: Pick<LogTally, 'warn'>;
  readonly step: Pick<StepContext, 'signal'>;
}

/**
 * A committed segment that the pool lost: read from the archive, and put again when that gives the object that its
 * batch names. Without it the log behind is still backed up: the reader skips the rest of a record it did not see begin.
 * Answers its bytes when the archive has them.
 */
export async function replaceLost(
  { archive, deps, branch, level, tally, step }: Replacing,
  lost: SegmentOfBatch,
  error: HoldfastError,
): Promise<Uint8Array | undefined> {
  const bytes = new SegmentBuffer().read(join(archive.directory, lost.name));
  const isKept = bytes !== undefined && sha256Hex(bytes) === lost.rawSha256;
  const log = { systemId: branch.systemId, branchId: branch.branchId, name: lost.object };
  // Why: an object that is there and damaged keeps its place, whatever is sealed.
  const isAwaited = isKept && error.code === 'object_missing';
  const sealed = isAwaited
    ? await sealedAsBefore(deps.pool, { log, lost, level, signal: step.signal, raw: bytes })
    : undefined;
  const isPut = sealed !== undefined && (await deps.pool.store.putIfAbsent(sealed.key, sealed.stored)) === 'created';
  if (isPut) await deps.pool.store.barrier();
  const outcome = isPut
    ? 'it was put again from the archive'
    : 'points behind it cannot be reached until a new full backup';
  tally.warn({ code: 'log_segment_lost', detail: `${error.message}; ${outcome}` });
  return isKept ? bytes : undefined;
}
