import { join } from 'node:path';
import type { OrderOf } from '#core/agent/order.ts';
import type { PoolCopyReport, PoolCopyTask } from '#core/care/pool-copy.ts';
import type { CommittedInPool } from '#core/ports/host-work.ts';
import type { PoolAccess } from '#core/pool/pool-access.ts';
import type { StepContext } from '#core/ports/step.ts';
import type { Pool } from '#agent/pools/open-pool.ts';
import { openPool } from '#agent/pools/open-pool.ts';
import { copyPool } from '#agent/replica/copy-pool.ts';
import { testIds } from './catalog.ts';
import { createCheapPool } from './cheap-pool.ts';
import { openFolder } from './folder.ts';

const clock = { nowMs: () => Date.now() };

/** Two pools and an agent that copies from one to the other. */
export interface CopyStage {
  readonly folder: string;
  readonly access: { readonly from: PoolAccess; readonly to: PoolAccess };
  readonly from: Pool;
  readonly to: Pool;
  /** One attempt of a copy; `told` is what the catalog hears. */
  copy(task: Partial<PoolCopyTask>, attempt?: CopyAttempt): Promise<Copied>;
  close(): Promise<void>;
}

export interface CopyAttempt {
  /** Called after each progress. */
  readonly hear?: (stop: () => void) => void;
  /** The gate of the run; absent: nobody can be asked. */
  readonly demandOpen?: () => Promise<void>;
}

export interface Copied {
  readonly report: PoolCopyReport;
  readonly told: readonly CommittedInPool[];
}

/** A pool that is encrypted has its own passphrase. */
export interface Ends {
  readonly isFromEncrypted: boolean;
  readonly isToEncrypted: boolean;
  /** A pool that exists and gets the copies instead of a local one. */
  readonly target?: PoolAccess;
}

export async function openCopyStage({ isFromEncrypted, isToEncrypted, target }: Ends): Promise<CopyStage> {
  const folder = openFolder('hf-copy-pool-');
  const accessOf = (name: string, isEncrypted: boolean): PoolAccess => ({
    ...{ poolId: testIds('pool'), name, place: { kind: 'local', directory: join(folder.path, name) } },
    secrets: isEncrypted ? { passphrase: `four words of ${name}` } : {},
  });
  const access = { from: accessOf('from', isFromEncrypted), to: target ?? accessOf('to', isToEncrypted) };
  for (const one of [access.from, ...(target === undefined ? [access.to] : [])]) await createCheapPool(one);
  const [from, to] = [await openPool(access.from), await openPool(access.to)];
  return {
    ...{ folder: folder.path, access, from, to },
    copy: (task, attempt = {}) =>
      copyOnce(
        access,
        { sets: [], bases: [], systems: [], bytesTotal: 0, leftOut: [], warnings: [], ...task },
        attempt,
      ),
    close: async () => {
      await from.close();
      await to.close();
      folder.remove();
    },
  };
}

async function copyOnce(
  access: CopyStage['access'],
  task: PoolCopyTask,
  { hear, demandOpen }: CopyAttempt,
): Promise<Copied> {
  const runId = testIds('run');
  const order: OrderOf<'pool-copy'> = {
    kind: 'pool-copy',
    runId,
    hostId: testIds('host'),
    ...access,
    task,
    limits: {},
  };
  const stopping = new AbortController();
  const step: StepContext = {
    ...{ runId, signal: stopping.signal, limits: () => ({}), log: () => undefined },
    report: () => {
      hear?.(() => {
        stopping.abort();
      });
    },
    ...(demandOpen === undefined ? {} : { demandOpen }),
  };
  const told: CommittedInPool[] = [];
  const copying = copyPool({ clock, newId: testIds })(order, step);
  for (;;) {
    const next = await copying.next();
    if (next.done === true) return { report: next.value, told };
    told.push(next.value);
  }
}
