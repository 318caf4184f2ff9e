import { engineProfile } from '#core/engine/profiles.ts';
import type { Lsn } from '#core/wal/lsn.ts';
import { compareLsn } from '#core/wal/lsn.ts';
import { readControlFile } from '#agent/datadir/reader.ts';
import type { Attempt, BegunBackup } from './attempt.ts';
import { beginBackup, endBackup } from './backup-mode.ts';
import { throwIfEnded } from './ended.ts';

/** D-019: so many checkpoints are forced until the begin lies behind the end of the base. One is enough on a primary. */
const mostCheckpoints = 3;

/**
 * Begins backup mode, at or after `least` where that can be had (D-019): the caller must look. `least` is asked once backup mode
 * has begun: what is found out about the base meanwhile costs no time of its own.
 */
export async function begin(
  attempt: Attempt,
  { inspected, history }: Pick<BegunBackup, 'inspected' | 'history'>,
  least: () => Promise<Lsn | undefined>,
): Promise<BegunBackup> {
  const { session, order, deps, step } = attempt;
  const { engine, dataDirectory } = order.instance;
  const beganAtMs = deps.clock.nowMs();
  // A checkpoint can take as long as the server likes; cancelling closes the session, which makes the call fail.
  const giveUp = (): void => void session.close();
  step.signal.addEventListener('abort', giveUp, { once: true });
  try {
    const beginLsn = await beginAfter(attempt, least);
    const { content: control } = await readControlFile(engineProfile(engine), dataDirectory);
    step.log({
      level: 'info',
      message: `backup mode began at ${beginLsn} on timeline ${String(inspected.facts.timeline)}`,
    });
    return { inspected, history, control, beginLsn, beganAtMs };
  } catch (error) {
    throwIfEnded(step.signal);
    throw error;
  } finally {
    step.signal.removeEventListener('abort', giveUp);
  }
}

async function beginAfter({ session, order, step }: Attempt, whatLeast: () => Promise<Lsn | undefined>): Promise<Lsn> {
  const { engine } = order.instance;
  const start = { label: `holdfast ${order.setId}`, isFast: order.options.isFastCheckpoint };
  let beginLsn = await beginBackup(session, engine, start);
  const least = await whatLeast();
  for (let forced = 0; isBefore(beginLsn, least) && forced < mostCheckpoints; forced++) {
    step.log({
      level: 'info',
      message: `the begin ${beginLsn} lies before the end of the base: a checkpoint is forced`,
    });
    await endBackup(session, engine);
    await session.query('checkpoint');
    beginLsn = await beginBackup(session, engine, start);
  }
  return beginLsn;
}

/** True when a backup begun there cannot build on a base that ends at `least`. */
export const isBefore = (beginLsn: Lsn, least: Lsn | undefined): boolean =>
  least !== undefined && compareLsn(beginLsn, least) < 0;
