import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { InstanceAccess } from '#core/agent/order.ts';
import { engineProfile } from '#core/engine/profiles.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { Instant } from '#core/instant.ts';
import { instantFromMicros } from '#core/instant.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { StepContext } from '#core/ports/step.ts';
import type { Warning } from '#core/run/progress.ts';
import { formatLsn, lsnToNumber, parseLsn } from '#core/wal/lsn.ts';
import type { SegmentName } from '#core/wal/segment-name.ts';
import { segmentOf } from '#core/wal/segment-name.ts';
import { archiveDirectoryOf, archiveDirectoryProblem } from '#agent/database/archive-directory.ts';
import { flagOf, openSession, textOf } from '#agent/database/session.ts';
import type { Session } from '#agent/database/session.ts';
import { readPidFile } from '#agent/datadir/reader.ts';
import { fileFacts } from './archive/archive-folder.ts';

/** What the server said before its archive is read. */
export interface LogSwitch {
  readonly archiveDirectory?: string;
  /** Last segment that the switch closed, and the server's time just before: the log is known up to then. */
  readonly closed?: { readonly segment: SegmentName; readonly at: Instant };
  readonly warnings: readonly Warning[];
}

export interface SwitchRequest {
  readonly instance: InstanceAccess;
  readonly archiveDirectory: string | undefined;
  readonly clock: Clock;
  readonly step: StepContext;
}

const archiverMs = 60_000;
const lookAgainMs = 100;

/**
 * Closes the current segment of an open primary and waits until its archiver has stored it. An instance that is closed,
 * a standby, and one without login give what their archive already holds (D-012). Throws `login_refused`,
 * `archive_directory_missing`, `archive_directory_unreadable`, `cancelled`.
 */
export async function switchLog(request: SwitchRequest): Promise<LogSwitch> {
  const { instance, step } = request;
  if (instance.login === undefined) return { warnings: [] };
  let session: Session;
  try {
    session = await openSession(instance);
  } catch (error) {
    if (error instanceof HoldfastError && error.code === 'instance_unreachable')
      return withoutServer(instance, step, error);
    throw error;
  }
  try {
    return await switchIn(session, request);
  } finally {
    await session.close();
  }
}

function withoutServer(instance: InstanceAccess, step: StepContext, error: HoldfastError): LogSwitch {
  const isOpen = readPidFile(instance.dataDirectory, engineProfile(instance.engine).files.pid)?.isAlive === true;
  if (isOpen) return { warnings: [{ code: 'log_not_switched', detail: error.message }] };
  step.log({ level: 'info', message: 'the instance is closed: only its archive directory is read' });
  return { warnings: [] };
}

async function switchIn(session: Session, request: SwitchRequest): Promise<LogSwitch> {
  const archiveDirectory =
    request.archiveDirectory ??
    archiveDirectoryOf(textOf(await session.queryOne('show archive_command'), 'archive_command'));
  const found = archiveDirectory === undefined ? {} : { archiveDirectory };
  // Why before the switch: no archiver can store a segment where nobody can look, so there is nothing to wait for.
  const problem =
    archiveDirectory === undefined ? undefined : archiveDirectoryProblem(archiveDirectory, session.instance);
  if (problem !== undefined) throw problem;
  if (flagOf(await session.queryOne('select pg_is_in_recovery() as standby'), 'standby'))
    return { ...found, warnings: [] };
  try {
    const closed = await closeSegment(session);
    const isStored =
      archiveDirectory === undefined || (await waitForArchiver(closed.segment, archiveDirectory, request));
    const warnings = isStored ? [] : [await stalled(session, closed.segment)];
    return { ...found, closed, warnings };
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== 'privilege_missing') throw error;
    return { ...found, warnings: [{ code: 'log_not_switched', detail: error.message }] };
  }
}

/** `pg_switch_wal` does nothing when nothing was written since the last switch, and answers the begin of the next segment then. */
async function closeSegment(session: Session): Promise<{ readonly segment: SegmentName; readonly at: Instant }> {
  const before = await session.queryOne(`
    select (extract(epoch from clock_timestamp()) * 1000000)::bigint::text as micros,
           (select bytes_per_wal_segment::text from pg_control_init()) as segment_bytes`);
  // The file name tells the timeline also right after a promotion; which file it names at a boundary differs by version.
  const after = await session.queryOne(
    'select lsn::text as lsn, pg_walfile_name(lsn) as file from pg_switch_wal() as lsn',
  );
  const end = lsnToNumber(parseLsn(textOf(after, 'lsn')));
  const timeline = parseInt(textOf(after, 'file').slice(0, 8), 16);
  const segment = segmentOf(timeline, formatLsn(Math.max(0, end - 1)), Number(textOf(before, 'segment_bytes')));
  return { segment, at: instantFromMicros(Number(textOf(before, 'micros'))) };
}

/** True when the file is there and whole; false after a minute. */
async function waitForArchiver(
  segment: SegmentName,
  directory: string,
  { clock, step }: SwitchRequest,
): Promise<boolean> {
  const until = clock.nowMs() + archiverMs;
  let sizeBefore = -1;
  for (;;) {
    step.signal.throwIfAborted();
    const size = fileFacts(join(directory, segment))?.sizeBytes ?? -1;
    // A plain copy shows the name before the content is whole: a size that stands still is what can be seen from outside.
    if (size > 0 && size === sizeBefore) return true;
    if (clock.nowMs() > until) return false;
    sizeBefore = size;
    await wait(lookAgainMs, undefined, { signal: step.signal });
  }
}

async function stalled(session: Session, segment: SegmentName): Promise<Warning> {
  const row = await session.queryOne("select coalesce(last_failed_wal, 'none') as failed from pg_stat_archiver");
  const failed = textOf(row, 'failed');
  return {
    code: 'archive_stalled',
    detail: `the server did not archive ${segment} within ${String(archiverMs / 1000)} s; last failure: ${failed}`,
  };
}
