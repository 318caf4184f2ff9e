import { dirname, join } from 'node:path';
import { endSegmentOf } from '#core/backup/log-range.ts';
import { parseBackupLabel } from '#core/backup/backup-label.ts';
import { requireSame, requireSameInstance } from '#core/backup/same-instance.ts';
import type { SetSummary } from '#core/backup/set-summary.ts';
import { engineProfile } from '#core/engine/profiles.ts';
import { fail } from '#core/errors/fail.ts';
import { reach } from '#core/faults/fault-points.ts';
import { compareLsn } from '#core/wal/lsn.ts';
import { sha256Hex } from '#agent/codec/hash.ts';
import type { CopySession } from '#agent/copy/copy-request.ts';
import { openCopy } from '#agent/copy/open-copy.ts';
import { startThreads } from '#agent/copy/threads/started-threads.ts';
import type { StartedThreads } from '#agent/copy/threads/started-threads.ts';
import { directoriesOf, externalConfiguration } from '#agent/datadir/configuration.ts';
import { readControlFile } from '#agent/datadir/reader.ts';
import { scanDataDirectory } from '#agent/datadir/scan.ts';
import type { DataDirectoryScan } from '#agent/datadir/scan.ts';
import { inspect } from '#agent/database/preflight.ts';
import type { Inspected } from '#agent/database/preflight.ts';
import { readIncludedFiles, readServerFacts } from '#agent/database/server-facts.ts';
import { beginSet } from '#agent/sets/begin-set.ts';
import type { Attempt, BegunBackup } from './attempt.ts';
import { begin } from './begin.ts';
import { endBackup } from './backup-mode.ts';
import type { EndedBackup } from './backup-mode.ts';
import { commitJournalled } from './commit-journalled.ts';
import { throwIfEnded } from './ended.ts';
import { historyNow } from './history.ts';
import { decideBuilding, findBase } from './incremental.ts';
import { historyFiles, neededLog, stillThere } from './needed-log.ts';
import type { LogFile, NeededLog } from './needed-log.ts';
import { phasesOf } from './phases.ts';
import { acknowledging } from './run-journal.ts';
import type { FinishedCopy } from './set-meta.ts';
import { setMetaOf } from './set-meta.ts';
import { catchUp, demandRecord, problemsOf, switchPrimary } from './standby.ts';

/** One attempt from the checks to the commit; the session is the caller's, and with it backup mode ends in any case. */
export async function backUp(attempt: Attempt): Promise<SetSummary> {
  const started = startThreads(attempt.order.options.channels);
  try {
    return await backUpWith(attempt, started);
  } finally {
    await started.close();
  }
}

async function backUpWith(attempt: Attempt, started: StartedThreads): Promise<SetSummary> {
  const phases = phasesOf(attempt.step, attempt.session.lost);
  phases.enter('begin');
  await catchUp(attempt);
  const inspected = await precheck(attempt);
  const history = historyNow({ dataDirectory: attempt.order.instance.dataDirectory, inspected });
  const finding = findBase(attempt, inspected, history);
  const endOfBase = async () => (await finding).chain?.[0].meta.summary.endLsn;
  const work = [
    finding,
    begin(attempt, { inspected, history }, endOfBase),
    beginSet(attempt.pool, { setId: attempt.order.setId, runId: attempt.order.runId }),
  ] as const;
  // All have ended before the first failure is thrown: nothing goes on behind the back of a run that gave up.
  await Promise.allSettled(work);
  const [found, begun, keys] = await Promise.all(work);
  reach(attempt.step, 'backup.after-begin');
  const building = await decideBuilding(attempt, found, begun);
  if (building.files !== undefined) reach(attempt.step, 'backup.after-base');
  const scan = await scanInstance(attempt, begun);
  const attemptId = attempt.deps.newId('try');
  const { channels, compression, resumeBufferBytes } = attempt.order.options;
  const copy = await openCopy(
    {
      ...{ pool: attempt.order.pool, set: keys, attemptId, channels, compression, resumeBufferBytes },
      ...{ beginLsn: begun.beginLsn, pageBytes: begun.control.pageBytes, acknowledged: attempt.journal.acknowledged },
      ...(building.files === undefined ? {} : { base: building.files }),
      onAcknowledged: acknowledging(attempt.journal, attempt.step),
    },
    phases.step,
    started,
  );
  try {
    phases.enter('copy');
    await copy.copy(building.mark(scan.files));
    reach(attempt.step, 'backup.before-end');
    const ended = await end(attempt, begun);
    reach(attempt.step, 'backup.after-end');
    phases.enter('log');
    const late = await addLate(attempt, { begun, ended, copy, signal: phases.step.signal });
    const copied = await copy.finish({ endLsn: ended.endLsn });
    phases.enter('commit');
    const meta = setMetaOf({ attempt, attemptId, begun, building, scan, ended, copied, ...late });
    throwIfEnded(phases.step.signal);
    const summary = await commitJournalled(attempt, keys, meta);
    tellOfLog(attempt, summary);
    return summary;
  } finally {
    await copy.close();
  }
}

/** D-021: whoever made a set without its log hears what it waits for. */
function tellOfLog({ step, pool }: Attempt, { isConsistent, beginSegment, endSegment }: SetSummary): void {
  if (isConsistent) return;
  const message = `the set holds no log: it can be restored once a log backup has brought ${beginSegment} to ${endSegment} into pool ${pool.name}`;
  step.log({ level: 'warn', message });
}

/** Refuses what cannot become a good set: the first problem that preflight finds. */
async function precheck({ session, order, step }: Attempt): Promise<Inspected> {
  const { archiveDirectory } = order.options;
  const inspected = await inspect(session, { instance: order.instance, archiveDirectory });
  for (const { verdict, detail } of inspected.report.findings)
    if (verdict === 'warn') step.log({ level: 'warn', message: detail });
  const [problem] = problemsOf({ order }, inspected);
  if (problem !== undefined) throw problem;
  return inspected;
}

async function scanInstance(
  { session, order, step }: Attempt,
  { control, inspected }: BegunBackup,
): Promise<DataDirectoryScan> {
  const { dataDirectory, engine } = order.instance;
  const { hasChecksums, pagesPerFile, catalogVersion } = control;
  const profile = engineProfile(engine);
  const scan = scanDataDirectory({
    profile,
    dataDirectory,
    major: session.serverMajor,
    catalogVersion,
    pagesPerFile,
    hasChecksums,
  });
  const { configuration, dataDirectory: served } = inspected.facts;
  const included = await readIncludedFiles(session, configuration.main);
  const taken = new Set(scan.files.map(({ path }) => path));
  const external = externalConfiguration(served, { ...configuration, included }, { taken, files: profile.files });
  const files = [...scan.files, ...external];
  step.log({ level: 'info', message: `${String(files.length)} files, ${String(scan.bytesTotal)} bytes to read` });
  const made = directoriesOf(external, new Set(scan.directories.map(({ path }) => path)));
  const directories = [...scan.directories, ...made.map((path) => ({ kind: 'directory' as const, path, mode: 0o700 }))];
  return { ...scan, files, directories };
}

/** Ends backup mode after proving that the instance is still what it was. The control file is read before that. */
async function end(
  attempt: Attempt,
  begun: BegunBackup,
): Promise<EndedBackup & { readonly control: Uint8Array; readonly endedAtMs: number }> {
  const { session, order, deps, step } = attempt;
  const { facts: before } = begun.inspected;
  requireSameInstance(session.instance, before, await readServerFacts(session));
  const { bytes, content } = await readControlFile(engineProfile(order.instance.engine), order.instance.dataDirectory);
  requireSame(session.instance, 'the system identifier of the control file', before.systemId, content.systemId);
  if (before.role === 'standby') await demandRecord(attempt, content);
  const ended = await endBackup(session, order.instance.engine).catch(async (error: unknown) => {
    // The server refuses the call of a standby that was promoted a moment ago: that is what is told then.
    requireSameInstance(session.instance, before, await readServerFacts(session));
    throw error;
  });
  const label = parseBackupLabel(Buffer.from(ended.label).toString('latin1'));
  requireSame(session.instance, 'the timeline', String(before.timeline), String(label.timeline));
  requireSame(session.instance, 'the begin of the backup', begun.beginLsn, label.beginLsn);
  // A standby ends where its control file says that all copied pages are consistent; its stop call may name a later place.
  const endLsn = before.role === 'standby' ? content.minRecoveryLsn : ended.endLsn;
  if (compareLsn(endLsn, begun.beginLsn) <= 0)
    throw fail('role_changed', {
      instance: session.instance,
      what: 'the log position',
      before: begun.beginLsn,
      after: endLsn,
    });
  step.log({ level: 'info', message: `backup mode ended at ${endLsn}` });
  const { timeline, segmentBytes } = before;
  await switchPrimary(attempt, endSegmentOf({ timeline, beginLsn: begun.beginLsn, endLsn, segmentBytes }));
  return { ...ended, endLsn, control: bytes, endedAtMs: deps.clock.nowMs() };
}

interface LateMembers {
  readonly begun: BegunBackup;
  readonly ended: EndedBackup & { readonly control: Uint8Array; readonly endedAtMs: number };
  readonly copy: CopySession;
  readonly signal: AbortSignal;
}

/** Log, label, map and, as the very last, the control file (peers.md §5 item 12). */
async function addLate(
  { order, session, deps }: Attempt,
  { begun, ended, copy, signal }: LateMembers,
): Promise<Pick<FinishedCopy, 'endSegmentSha256'>> {
  const { files } = engineProfile(order.instance.engine);
  const { facts, archiveDirectory } = begun.inspected;
  const { timeline, segmentBytes, systemId } = facts;
  const logDirectory = join(order.instance.dataDirectory, files.log);
  for (const history of historyFiles(logDirectory))
    await copy.add({ ...history, path: `${files.log}/${history.name}` });
  const range = { timeline, segmentBytes, beginLsn: begun.beginLsn, endLsn: ended.endLsn };
  const needed = {
    range,
    systemId,
    instance: session.instance,
    logDirectory,
    archiveDirectory,
    clock: deps.clock,
    signal,
  };
  // Also log that the set does not hold (D-021) is read to its end: a set whose log is broken at the source is of no use.
  let endSegmentSha256: string | undefined;
  for await (const segment of neededLog(needed)) {
    if (segment.name === endSegmentOf(range)) endSegmentSha256 = sha256Hex(segment.bytes);
    if (order.options.isWithoutLog !== true) await addSegment(copy, `${files.log}/${segment.name}`, segment, needed);
  }
  const late = { mode: 0o600, mtimeMs: ended.endedAtMs };
  await copy.add({ path: files.label, bytes: ended.label, ...late });
  if (ended.map !== undefined) await copy.add({ path: files.tablespaceMap, bytes: ended.map, ...late });
  await copy.add({ path: files.control, bytes: ended.control, ...late });
  // A standby may still have other bytes behind the end of what it received.
  return facts.role === 'standby' || endSegmentSha256 === undefined ? {} : { endSegmentSha256 };
}

const largestInMemory = 64 * 1_048_576;

/** Takes the bytes of a segment away from the caller. Segments may be as large as 1 GiB: large ones are read again by the threads, and must not be recycled meanwhile. */
export async function addSegment(
  copy: CopySession,
  path: string,
  segment: LogFile,
  { instance }: Pick<NeededLog, 'instance'>,
): Promise<void> {
  const { name, bytes, mode, mtimeMs, absolute } = segment;
  if (bytes.length <= largestInMemory) {
    await copy.add({ path, mode, mtimeMs, bytes, isGivenAway: true });
    return;
  }
  await copy.copy([{ path, absolute, sizeBytes: bytes.length, mode, mtimeMs, mustExist: true }]);
  if (!stillThere(segment)) throw fail('log_segment_missing', { segment: name, instance, archive: dirname(absolute) });
}
