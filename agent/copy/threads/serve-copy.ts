import type { MessagePort } from 'node:worker_threads';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import { bug } from '#core/errors/fail.ts';
import { FrameCarrier } from '#agent/copy/frame-carrier.ts';
import { patienceOfThread } from '#agent/copy/outage.ts';
import { PieceWriter } from '#agent/copy/piece-writer.ts';
import type { FileFact, FromThread, ThreadSettings, ToThread, Unit } from './thread-message.ts';
import { openThreadStore } from './thread-store.ts';
import { UnitRunner } from '#agent/copy/unit-runner.ts';

interface Station {
  readonly runner: UnitRunner;
  readonly carrier: FrameCarrier;
  readonly writer: PieceWriter;
}

/** The thread's side of a copy: does one message after the other and answers each. After a failure it does nothing more. */
export function serveCopy(port: MessagePort): void {
  const tell = (message: FromThread): void => {
    port.postMessage(message);
  };
  let station: Station | undefined;
  const perform = async (message: ToThread): Promise<void> => {
    if (message.kind === 'open') {
      station = await openStation(message.settings, tell);
      return;
    }
    if (station === undefined) throw bug('a copy thread got work before its settings');
    if (message.kind === 'unit') {
      tell({ kind: 'unit-done', facts: await runUnit(station, message.unit) });
      return;
    }
    await station.runner.sealBundle();
    await station.carrier.seal();
    await station.writer.flush();
    tell({ kind: 'flushed' });
  };
  let work = Promise.resolve();
  let hasFailed = false;
  port.on('message', (message: ToThread) => {
    work = work
      .then(async () => {
        if (!hasFailed) await perform(message);
      })
      .catch((error: unknown) => {
        hasFailed = true;
        tell(failureOf(error));
      });
  });
}

async function runUnit({ runner, carrier }: Station, unit: Unit): Promise<readonly FileFact[]> {
  if (unit.kind !== 'frames') return runner.run(unit);
  await carrier.carry(unit.task);
  return [];
}

async function openStation(settings: ThreadSettings, tell: (message: FromThread) => void): Promise<Station> {
  const { pool, cells, reconnectMs } = settings;
  const store = await openThreadStore(pool, patienceOfThread(cells, reconnectMs));
  const writer = new PieceWriter(settings, store, (piece) => {
    tell({ kind: 'piece', piece });
  });
  return { writer, runner: new UnitRunner(settings, writer), carrier: new FrameCarrier(settings, writer, store) };
}

/** Errors cross the thread border as code and parameters: class identity does not survive it. */
function failureOf(error: unknown): FromThread {
  const known = error instanceof HoldfastError ? error : bug(`a copy thread failed: ${String(error)}`, error);
  return {
    kind: 'failed',
    code: known.code,
    params: known.params,
    stack: error instanceof Error ? (error.stack ?? '') : '',
  };
}
