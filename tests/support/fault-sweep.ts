import { expect } from 'vitest';
import type { Fault } from '#core/faults/fault-points.ts';
import { provideClientTools } from '#scripts/servers/postgres.mjs';
import type { Death, Deed } from './fault-deaths.ts';
import { nameOfDeath } from './fault-deaths.ts';
import type { DeathSeen, Kill, Play } from './fault-play.ts';
import { untilApiAnswers } from './fault-play.ts';
import { backUpClosed, copy, restoreDelta, restoreInPlace, restoreLog } from './fault-plays-of-restores.ts';
import {
  backUpFully,
  backUpIncrementally,
  backUpLog,
  backUpLogically,
  copyPool,
  merge,
} from './fault-plays-of-sets.ts';
import { expectEqualCopy, expectSucceeded, isCommitted, piecesAtKill } from './kill-proof.ts';
import { copyDirectory, openKillStage, startCopy, startLogBackup, untilOver } from './kill-stage.ts';

export interface FaultStage {
  /** Lets the agent die, starts it again and proves the end. */
  die(death: Death & { readonly deed: Deed }): Promise<DeathSeen>;
  /** The log has no gap, and the latest point equals the source. */
  proveLog(): Promise<void>;
  close(): Promise<void>;
}

const plays: Readonly<Record<Deed, Play>> = {
  'full-backup': backUpFully,
  'incremental-backup': backUpIncrementally,
  'set-merge': merge,
  'pool-copy': copyPool,
  'logical-backup': backUpLogically,
  'log-backup': backUpLog,
  'log-restore': restoreLog,
  copy,
  'offline-backup': backUpClosed,
  'in-place': restoreInPlace,
  delta: restoreDelta,
};

/** A whole Holdfast whose agent is started with faults. */
export async function openFaultStage(mebibytes = 24): Promise<FaultStage> {
  const env: Record<string, string> = { HOLDFAST_POSTGRES_BIN: await provideClientTools(18) };
  const stage = await openKillStage(mebibytes, env);
  const startAgent = async (fault?: Fault): Promise<void> => {
    if (fault !== undefined) env['HOLDFAST_FAULT_POINT'] = `${fault.point}:${String(fault.time)}`;
    try {
      await stage.stack.start('agent');
    } finally {
      delete env['HOLDFAST_FAULT_POINT'];
    }
  };
  /** A point that is never reached is a failure, not a run without trouble. */
  const killedAt =
    (death: Death): Kill =>
    async (begin) => {
      await stage.stack.kill('agent');
      await startAgent(death);
      const agent = stage.stack.childOf('agent');
      await untilApiAnswers(stage);
      const run = await begin();
      await Promise.race([agent.ended, untilOver(stage, run.id)]);
      expect(agent.signal(), `${nameOfDeath(death)} was reached`).toBe('SIGKILL');
      const kills = run.setId === '' || isCommitted(stage, run.setId) ? [] : [piecesAtKill(stage, run)];
      return { run, kills, again: () => startAgent() };
    };
  return {
    die: (death) => plays[death.deed](stage, killedAt(death), nextName()),
    proveLog: async () => {
      const directory = copyDirectory(stage, nextName());
      await expectSucceeded(stage, await startLogBackup(stage, {}));
      await expectEqualCopy(stage, await expectSucceeded(stage, await startCopy(stage, { directory })), directory);
    },
    close: () => stage.close(),
  };
}

let names = 0;
const nextName = (): string => `death-${String(++names)}`;
