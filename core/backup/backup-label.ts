import { fail } from '../errors/fail.ts';
import { parseLsn } from '../wal/lsn.ts';
import type { Lsn } from '../wal/lsn.ts';
import { cutText } from '../text.ts';

/** What a backup label says (xlogbackup.c build_backup_content). The file itself is kept byte for byte; this is for checks. */
export interface BackupLabel {
  readonly beginLsn: Lsn;
  readonly timeline: number;
  readonly isFromStandby: boolean;
}

/** Throws `value_malformed` when a line that recovery needs is missing. */
export function parseBackupLabel(text: string): BackupLabel {
  const field = (name: string): string => {
    const value = new RegExp(`^${name}: (.*)$`, 'm').exec(text)?.[1];
    if (value === undefined)
      throw fail('value_malformed', {
        text: cutText(text, 60),
        what: 'backup label',
        expected: `a file with the line "${name}: …"`,
      });
    return value;
  };
  return {
    beginLsn: parseLsn(field('START WAL LOCATION').split(' ')[0] ?? ''),
    timeline: Number(field('START TIMELINE')),
    isFromStandby: field('BACKUP FROM') === 'standby',
  };
}
