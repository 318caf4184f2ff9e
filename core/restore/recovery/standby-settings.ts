import type { Settings } from './recovery-settings.ts';
import type { StandbyPrimary } from '#core/restore/plan/ways.ts';

/**
 * Settings of a copy that follows a primary (PG manual "Setting Up a Standby Server", 12 and later): it replays the log that was put
 * into place, then streams. No secret stands here: libpq reads the password from the file that is named.
 */
export const standbySettings = (primary: StandbyPrimary): Settings => ({
  restore_command: '',
  recovery_target_timeline: 'latest',
  recovery_min_apply_delay: '0',
  hot_standby: 'on',
  primary_conninfo: connectionOf(primary),
  primary_slot_name: primary.slot ?? '',
});

const connectionOf = ({ host, port, user, passFile }: StandbyPrimary): string =>
  [
    `host=${host} port=${String(port)} user=${user} application_name=holdfast_standby`,
    ...(passFile === undefined ? [] : [`passfile='${passFile.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`]),
  ].join(' ');
