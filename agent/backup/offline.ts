import { join } from 'node:path';
import { segmentsOfBackup } from '#core/backup/log-range.ts';
import { requireSame } from '#core/backup/same-instance.ts';
import type { SetSummary } from '#core/backup/set-summary.ts';
import { engineProfile, requireMajor } from '#core/engine/profiles.ts';
import type { EngineProfile } from '#core/engine/profile.ts';
import { fail } from '#core/errors/fail.ts';
import { reach } from '#core/faults/fault-points.ts';
import type { CopySession } from '#agent/copy/copy-request.ts';
import { openCopy } from '#agent/copy/open-copy.ts';
import { directoriesOf, externalConfiguration } from '#agent/datadir/configuration.ts';
import { readMajor } from '#agent/datadir/reader.ts';
import { scanDataDirectory } from '#agent/datadir/scan.ts';
import type { DataDirectoryScan } from '#agent/datadir/scan.ts';
import { beginSet } from '#agent/sets/begin-set.ts';
import type { Attempt } from './attempt.ts';
import { addSegment } from './back-up.ts';
import { commitJournalled } from './commit-journalled.ts';
import { throwIfEnded } from './ended.ts';
import { historyNow } from './history.ts';
import { full } from './incremental.ts';
import { historyFiles, readWhole } from './needed-log.ts';
import type { ClosedInstance } from './offline-closed.ts';
import { demandStillClosed, lookAtClosed } from './offline-closed.ts';
import { closedConfiguration } from './offline-configuration.ts';
import type { OfflineLog } from './offline-log.ts';
import { readOfflineLog } from './offline-log.ts';
import { phasesOf } from './phases.ts';
import { acknowledging } from './run-journal.ts';
import { setMetaOf } from './set-meta.ts';

export type OfflineAttempt = Omit<Attempt, 'session' | 'primary'>;

/** A closed instance, its log, and what is copied of it. */
interface Closed {
  readonly profile: EngineProfile;
  readonly directory: string;
  readonly major: number;
  readonly found: ClosedInstance;
  readonly log: OfflineLog;
  readonly scan: DataDirectoryScan;
  readonly history: string;
}

/**
 * Takes a full backup of a closed instance, shut down or crashed (D-007, design §5): no login, no backup mode, no label.
 * Its set carries pg_wal from pg_control's redo pointer to the end of the log, so that it starts by itself. That nobody
 * opened the instance is proven before and after. Throws, with nothing committed: `instance_running`,
 * `instance_unfit_offline`, `system_id_mismatch`, `log_segment_missing`, `log_segment_damaged`, `cancelled`, and what the pool
 * throws.
 */
export async function takeOfflineBackup(attempt: OfflineAttempt): Promise<SetSummary> {
  const { order, deps, journal, pool } = attempt;
  const phases = phasesOf(attempt.step);
  phases.enter('begin');
  const beganAtMs = deps.clock.nowMs();
  const closed = await look(attempt);
  reach(attempt.step, 'offline.after-look');
  const { found, log, scan, history } = closed;
  const { content: control } = found.control;
  const attemptId = deps.newId('try');
  const keys = await beginSet(pool, { setId: order.setId, runId: order.runId });
  const { channels, compression, resumeBufferBytes } = order.options;
  const copy = await openCopy(
    {
      ...{ pool: order.pool, set: keys, attemptId, channels, compression, resumeBufferBytes },
      ...{ beginLsn: control.redoLsn, pageBytes: control.pageBytes, acknowledged: journal.acknowledged },
      onAcknowledged: acknowledging(journal, attempt.step),
    },
    phases.step,
  );
  try {
    phases.enter('copy');
    await copy.copy(scan.files);
    phases.enter('log');
    await addLog(copy, closed, phases.step.signal);
    reach(attempt.step, 'offline.after-copy');
    await demandStillClosed(closed.profile, closed.directory, found);
    const endedAtMs = deps.clock.nowMs();
    const path = closed.profile.files.control;
    await copy.add({ path, bytes: found.control.bytes, mode: 0o600, mtimeMs: endedAtMs });
    const copied = await copy.finish({ endLsn: log.endLsn });
    phases.enter('commit');
    const facts = {
      timeline: control.timeline,
      segmentBytes: control.segmentBytes,
      serverVersion: closed.major * 10_000,
      systemId: control.systemId,
    };
    const begun = { inspected: { facts }, control, beginLsn: control.redoLsn, history, beganAtMs };
    const state = log.isReplayNeeded ? ('crashed' as const) : ('clean' as const);
    const offline = { state, isLogMinimal: control.isLogMinimal };
    const ended = { endLsn: log.endLsn, endedAtMs };
    const meta = setMetaOf({ attempt, attemptId, begun, building: full([]), scan, ended, copied, offline });
    throwIfEnded(phases.step.signal);
    return await commitJournalled(attempt, keys, meta);
  } finally {
    await copy.close();
  }
}

/** Every refusal comes from here, before the pool is touched. */
async function look({ order, step }: OfflineAttempt): Promise<Closed> {
  const { dataDirectory: directory, engine, systemId } = order.instance;
  const profile = engineProfile(engine);
  const found = await lookAtClosed(profile, directory);
  const { content: control } = found.control;
  if (control.systemId !== systemId)
    throw fail('system_id_mismatch', {
      object: `The data directory ${directory}`,
      found: control.systemId,
      recorded: systemId,
    });
  const major = readMajor(profile, directory);
  requireMajor(profile, major, directory);
  const logDirectory = join(directory, profile.files.log);
  const log = readOfflineLog({ logDirectory, instance: directory, control, signal: step.signal });
  step.log({
    level: 'info',
    message: `the instance is closed (${control.state}); its log from ${control.redoLsn} ends at ${log.endLsn}`,
  });
  if (order.options.isWithoutLog === true && log.isReplayNeeded) throw lastLogOnlyHere(directory);
  const { archiveDirectory } = order.options;
  const inspected = { facts: control, archiveDirectory };
  const history = historyNow({ dataDirectory: directory, inspected });
  const { hasChecksums, pagesPerFile, catalogVersion } = control;
  const scanned = { profile, dataDirectory: directory, major, catalogVersion, pagesPerFile, hasChecksums };
  const scan = withConfiguration(profile, directory, scanDataDirectory(scanned));
  step.log({ level: 'info', message: `${String(scan.files.length)} files, ${String(scan.bytesTotal)} bytes to read` });
  return { profile, directory, major, found, log, scan, history };
}

/** D-021: what a crashed instance wrote last lies in its own log directory alone; after a clean shutdown nothing is replayed. */
const lastLogOnlyHere = (directory: string): Error =>
  fail('instance_unfit_offline', {
    directory,
    reason:
      'it crashed, and the log that it must replay was archived by nobody; back it up with its log (leave out --without-log)',
  });

function withConfiguration(profile: EngineProfile, directory: string, scan: DataDirectoryScan): DataDirectoryScan {
  const taken = new Set(scan.files.map(({ path }) => path));
  const paths = closedConfiguration(profile, directory);
  const external = externalConfiguration(directory, paths, { taken, files: profile.files });
  const made = directoriesOf(external, new Set(scan.directories.map(({ path }) => path)));
  return {
    ...scan,
    files: [...scan.files, ...external],
    directories: [...scan.directories, ...made.map((path) => ({ kind: 'directory' as const, path, mode: 0o700 }))],
  };
}

/** History files and the segments, read once more: a log that ends elsewhere now is that of an instance that was opened. */
async function addLog(copy: CopySession, closed: Closed, signal: AbortSignal): Promise<void> {
  const { profile, directory, log, found } = closed;
  const { content: control } = found.control;
  const logDirectory = join(directory, profile.files.log);
  for (const history of historyFiles(logDirectory))
    await copy.add({ ...history, path: `${profile.files.log}/${history.name}` });
  const { timeline, segmentBytes, redoLsn: beginLsn } = control;
  for (const name of segmentsOfBackup({ timeline, segmentBytes, beginLsn, endLsn: log.endLsn })) {
    throwIfEnded(signal);
    const segment = readWhole(join(logDirectory, name));
    if (segment === undefined)
      throw fail('log_segment_missing', { segment: name, instance: directory, archive: logDirectory });
    await addSegment(copy, `${profile.files.log}/${name}`, segment, { instance: directory });
  }
  const now = readOfflineLog({ logDirectory, instance: directory, control, signal });
  requireSame(directory, 'the end of the log', log.endLsn, now.endLsn);
}
