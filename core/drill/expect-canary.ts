import type { RunId } from '../id.ts';
import type { Warning } from '../run/progress.ts';
import type { CanaryAbsent } from './drill.ts';

/** Warning of a log backup that failed to write its canary this time. */
export const canaryNotWritten = 'canary_not_written';
/** Warning of a log backup that could never have written one: its login may only read, or the instance is a standby. */
export const canaryImpossible = 'canary_impossible';

/** The newest log backup whose log is replayed, and why it wrote no canary; no reason: nobody had asked it to. */
export interface LastLogBackup {
  readonly runId: RunId;
  readonly reason?: Warning;
}

export interface CanaryStanding {
  /** Canaries are switched on for the resource. */
  readonly isEnabled: boolean;
  /** Absent: no log backup committed log that is replayed; a log stream writes no canary. */
  readonly last?: LastLogBackup;
}

/**
 * Why a drill cannot look for a canary although the log is replayed. A log backup that was to write one and did not is a finding; one
 * that never could be there leaves the end of the log unproven, which the report says.
 */
export function judgeAbsence({ isEnabled, last }: CanaryStanding): CanaryAbsent {
  const notChecked = (why: string): CanaryAbsent => ({ verdict: 'skipped', why: `not checked: ${why}` });
  if (!isEnabled) return notChecked('canaries are not switched on for this resource (`holdfast canary enable`)');
  if (last === undefined) return notChecked('no log backup has committed the log that is replayed');
  const { runId, reason } = last;
  if (reason === undefined) return notChecked(`canaries were switched on after the last log backup, ${runId}`);
  const why = `log backup ${runId} wrote none: ${reason.detail}`;
  return reason.code === canaryImpossible ? notChecked(why) : { verdict: 'failed', why };
}

/** What the finding of an older canary does not prove; undefined when the newest log backup wrote it. */
export const newerWithout = (foundRun: RunId, { last }: CanaryStanding): string | undefined =>
  last?.reason === undefined || last.runId === foundRun
    ? undefined
    : `log backup ${last.runId} after it wrote none: ${last.reason.detail}`;
