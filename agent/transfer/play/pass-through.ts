import { Transform } from 'node:stream';
import type { TransformCallback } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { bug } from '#core/errors/fail.ts';
import { createTokenBucket } from '#core/pool/token-bucket.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { StepContext } from '#core/ports/step.ts';
import { diskNow } from '#core/run/rate.ts';
import { takeTokens } from '#agent/pools/rate-limit.ts';

const pauseMs = 200;

/** Lets bytes pass at the limit of writes now in force, none while the step is paused, and tells how many passed. */
export function passThrough(step: StepContext, clock: Clock, onBytes: (bytes: number) => void): Transform {
  const bucket = createTokenBucket(() => diskNow(step.limits()), clock);
  const pass = async (chunk: Buffer): Promise<Buffer> => {
    while (step.limits().isPaused === true && !step.signal.aborted) await pause(pauseMs);
    await takeTokens(bucket, chunk.length, step.signal);
    onBytes(chunk.length);
    return chunk;
  };
  return new Transform({
    transform(chunk: Buffer, _encoding, done: TransformCallback) {
      pass(chunk).then(
        (passed) => {
          done(null, passed);
        },
        (error: unknown) => {
          done(error instanceof Error ? error : bug(String(error), error));
        },
      );
    },
  });
}
