import { statSync } from 'node:fs';
import { fail } from '#core/errors/fail.ts';
import type { RestorePlan } from '#core/restore/plan/plan.ts';
import type { FileOwner } from '#agent/datadir/writer-paths.ts';

/**
 * libpq reads a password file only when it belongs to the server's account and nobody else may read it. Throws `passfile_unusable`:
 * before anything is touched.
 */
export function checkPassFile({ ways }: RestorePlan, owner: FileOwner): void {
  const path = ways?.primary?.passFile;
  if (path === undefined) return;
  const stats = statSync(path, { throwIfNoEntry: false });
  const why =
    stats?.isFile() !== true
      ? 'it is not a file'
      : stats.uid !== owner.uid
        ? `it belongs to uid ${String(stats.uid)}, the server runs as uid ${String(owner.uid)}`
        : (stats.mode & 0o077) !== 0
          ? 'others than its owner may read it'
          : undefined;
  if (why !== undefined) throw fail('passfile_unusable', { path, why });
}
