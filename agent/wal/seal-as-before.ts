import { setImmediate as turn } from 'node:timers/promises';
import type { SegmentOfBatch } from '#core/log/batch-summary.ts';
import { sealingInto } from '#agent/codec/seal-object-into.ts';
import type { Packing } from '#agent/codec/zstd.ts';
import { packedAs, packingsFrom } from '#agent/codec/zstd.ts';
import type { LogName, LogSealer, SealedLog } from '#agent/sets/seal-log.ts';
import { keyOfLog, lockOfLog, sealedLogBound } from '#agent/sets/seal-log.ts';

/** Levels above this one take seconds for a few MiB: of segments larger than usual they would hold up the log behind for an hour. */
const lastQuickLevel = 12;
const usualSegment = 16 * 1024 * 1024;

/** Log whose object is lost. */
export interface LostLog {
  readonly log: LogName;
  readonly raw: Uint8Array;
  /** What its batch says of the object. */
  readonly lost: Pick<SegmentOfBatch, 'rawSha256' | 'storedSha256' | 'storedBytes'>;
  /** Of the job as it is now; nothing says at which level the object was sealed. */
  readonly level: number;
  readonly signal: AbortSignal;
}

/**
 * Log sealed once more so that it gives the very object that its batch names, at whatever level any version sealed it; undefined when
 * none gives it. In an encrypted pool none does: the same bytes seal differently each time.
 */
export async function sealedAsBefore(pool: LogSealer, wanted: LostLog): Promise<SealedLog | undefined> {
  if (pool.key !== undefined) return undefined;
  const { raw, level, lost } = wanted;
  const target = new Uint8Array(sealedLogBound(raw.length));
  for (const packing of packingsFrom(level)) {
    if (packing.level > lastQuickLevel && packing.level !== level && raw.length > usualSegment) continue;
    const bytes = await sealedBytes(pool, wanted, { packing, target });
    if (bytes !== undefined)
      return {
        ...{ key: keyOfLog(wanted.log), stored: target.subarray(0, bytes) },
        ...{ rawSha256: lost.rawSha256, storedSha256: lost.storedSha256 },
      };
  }
  return undefined;
}

interface Trial {
  readonly packing: Packing;
  readonly target: Uint8Array;
}

/** How many bytes of the target are the lost object; undefined when a packing does not give it. */
async function sealedBytes(
  pool: LogSealer,
  { log, raw, lost, signal }: LostLog,
  { packing, target }: Trial,
): Promise<number | undefined> {
  const lock = lockOfLog(pool, keyOfLog(log), 'log-segment');
  const sealing = sealingInto(target, raw, { lock, level: packing.level });
  for (;;) {
    const frame = packedAs(packing, () => sealing.next());
    if (frame.done === true) return frame.value.sha256 === lost.storedSha256 ? frame.value.bytes : undefined;
    if (frame.value > lost.storedBytes) return undefined;
    // Why: a frame at a high level takes seconds, and the run has to beat and to hear of its end meanwhile.
    await turn();
    signal.throwIfAborted();
  }
}
