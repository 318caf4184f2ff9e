import type { EngineProfile } from '../engine/profile.ts';
import { formatSettings } from '#core/restore/recovery/recovery-settings.ts';
import type { LogRestorePlan, MissingLog } from './log-restore-plan.ts';

/** Name of the file beside fetched log that a recovery is set up with. */
export const recoveryFileName = 'holdfast-recovery.conf';

/** A word for a shell command inside a setting in which `%` has a meaning of its own (PG manual, restore_command). */
const quoted = (path: string): string => `'${path.replaceAll('%', '%%').replaceAll("'", "'\\''")}'`;

/** Comments of a settings file may not be left by what is quoted in them. */
const comment = (text: string): string => `# ${text.replaceAll(/[\r\n]+/g, ' ')}\n`;

/** Settings that let a server recover with the log in a directory; what of it is missing stands on top (K-091). */
export function recoverySnippet(
  plan: LogRestorePlan,
  { directory, missing }: { readonly directory: string; readonly missing: readonly MissingLog[] },
  recovery: EngineProfile['recovery'],
): string {
  const { from, to } = plan.segments[0] === undefined ? { from: '', to: '' } : rangeOf(plan);
  const settings = {
    restore_command: `cp ${quoted(`${directory}/`).slice(0, -1)}%f' "%p"`,
    recovery_target_timeline: String(plan.timeline),
  };
  const how =
    recovery === 'signal'
      ? 'Append these lines to postgresql.auto.conf of a restored data directory that is closed, make an empty file recovery.signal there, start the server.'
      : 'Put these lines into recovery.conf of a restored data directory that is closed, start the server.';
  return [
    comment(`Log of system ${plan.systemId} on timeline ${String(plan.timeline)}, LSN ${from} to ${to}.`),
    ...missing.map(({ what }) => comment(`MISSING: ${what}`)),
    comment(how),
    comment('Name a point to stop at, or the server goes on to the end of this log:'),
    "# recovery_target_time = '2026-11-21 10:15:00+00'\n",
    "# recovery_target_action = 'promote'\n",
    formatSettings(settings),
  ].join('');
}

const rangeOf = ({ segments }: LogRestorePlan): { readonly from: string; readonly to: string } => ({
  from: segments[0]?.from ?? '',
  to: segments[segments.length - 1]?.to ?? '',
});
