import { parentPort, workerData } from 'node:worker_threads';
import { bug } from '#core/errors/fail.ts';
import { sealLogSegmentInto } from '#agent/sets/seal-log.ts';
import { slotOf } from '#agent/wasm/log-memory.ts';
import type { Sealed, SealSettings, ToSeal } from './log-message.ts';
import { serveAsked } from './serve-asked.ts';

/** Compresses, seals and hashes log segments, one after the other: most of the work of a log backup. */
if (parentPort === null) throw bug('seal-thread runs only as a worker thread');
const port = parentPort;
const { shared, pool, level } = workerData as SealSettings;
serveAsked(port, ({ slot, bytes, log }: ToSeal): Sealed => {
  const target = new Uint8Array(shared.sealed, slot * shared.sealedBytes, shared.sealedBytes);
  const sealed = sealLogSegmentInto(target, slotOf(shared.memory, slot).subarray(0, bytes), { pool, log, level });
  const { rawSha256, storedSha256, stored } = sealed;
  return { storedBytes: stored.length, rawSha256, storedSha256 };
});
