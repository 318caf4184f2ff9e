import { beating } from '../beating.ts';
import { step } from '../failure.ts';
import { careForLogicalSets } from './care-for-logical-sets.ts';
import { careForPool } from './care-for-pool.ts';
import { copyPool } from './copy-pool.ts';
import { extractSet } from './extract-set.ts';
import type { HostActivities, HostDeps } from './host-activities.ts';
import { inspect } from './inspect.ts';
import { mergeSet } from './merge-set.ts';
import { noOp } from './no-op.ts';
import { probeHost } from './probe-host.ts';
import { rebuildFromPool } from './rebuild-from-pool.ts';
import { restore } from './restore.ts';
import { restoreLog } from './restore-log.ts';
import { runDrill } from './run-drill.ts';
import { runHook } from './run-hook.ts';
import { setLimits } from './set-limits.ts';
import { setPaused } from './set-paused.ts';
import { recoverDatabases, restoreLogicalSet, settleTransfer } from './transfer.ts';
import { streamLog } from './stream-log.ts';
import { takeFullBackup } from './take-full-backup.ts';
import { takeLogBackup } from './take-log-backup.ts';
import { takeLogicalBackup } from './take-logical-backup.ts';
import { verifyAfter } from './verify-after.ts';
import { verifySet } from './verify-set.ts';

/** The steps of one host over its adapters; an agent serves all of them on each of its queues. */
export const openHostActivities = (deps: HostDeps): HostActivities => ({
  probeHost: step(probeHost(deps)),
  inspect: beating(step(inspect(deps))),
  setLimits: beating(step(setLimits(deps))),
  setPaused: beating(step(setPaused(deps))),
  takeFullBackup: step(takeFullBackup(deps)),
  takeLogBackup: step(takeLogBackup(deps)),
  streamLog: step(streamLog(deps)),
  restore: step(restore(deps)),
  verifySet: step(verifySet(deps)),
  mergeSet: step(mergeSet(deps)),
  extractSet: step(extractSet(deps)),
  recoverDatabases: step(recoverDatabases(deps)),
  restoreLogicalSet: step(restoreLogicalSet(deps)),
  settleTransfer: step(settleTransfer(deps)),
  rebuildFromPool: step(rebuildFromPool(deps)),
  careForPool: step(careForPool(deps)),
  runDrill: step(runDrill(deps)),
  restoreLog: step(restoreLog(deps)),
  copyPool: step(copyPool(deps)),
  runHook: step(runHook(deps)),
  verifyAfter: step(verifyAfter(deps)),
  takeLogicalBackup: step(takeLogicalBackup(deps)),
  careForLogicalSets: step(careForLogicalSets(deps)),
  noOp: step(noOp(deps)),
});
