import { parentPort } from 'node:worker_threads';
import { bug } from '#core/errors/fail.ts';
import { sealLogSegment } from '#agent/sets/log-objects.ts';
import type { FromSealThread, ToSealThread } from './seal-message.ts';

/** Compresses, seals and hashes log segments, one after the other: half of the work of a log backup. */
if (parentPort === null) throw bug('seal-thread runs only as a worker thread');
const port = parentPort;
port.on('message', ({ task, pool, log, raw, level }: ToSealThread) => {
  const sealed = sealLogSegment(pool, log, raw, level);
  const answer: FromSealThread = { task, sealed, raw };
  const { stored } = sealed;
  const canMove = stored.buffer instanceof ArrayBuffer && stored.byteLength === stored.buffer.byteLength;
  port.postMessage(answer, canMove ? [raw.buffer, stored.buffer] : [raw.buffer]);
});
