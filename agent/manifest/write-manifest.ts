import { statSync } from 'node:fs';
import type { SetSummary } from '#core/backup/set-summary.ts';
import type { ManifestFile } from '#core/restore/backup-manifest.ts';
import { manifestEnd, manifestName, manifestText } from '#core/restore/backup-manifest.ts';
import { crc32c } from '#core/wal/crc32c.ts';
import { sha256Hex } from '#agent/codec/hash.ts';
import type { EmptyTarget } from '#agent/datadir/writer.ts';

export interface ManifestOfTarget {
  readonly target: EmptyTarget;
  readonly summary: SetSummary;
  /** Files that were written from the set, as they were written. */
  readonly files: readonly ManifestFile[];
  /** The control file, which is put into place after the manifest. */
  readonly control: Uint8Array;
}

/**
 * Writes `backup_manifest` in PostgreSQL's own format into a target whose files are all written, so that `pg_verifybackup` of the
 * server (13 and later) proves every byte before it is started. Sums come from the bytes as they were written: nothing is
 * read again. The file stays when the server has started, as pg_basebackup leaves it; from then on it describes a past
 * state. Throws `target_unwritable`.
 */
export function writeManifest({ target, summary, files, control }: ManifestOfTarget): void {
  const ours = [...target.written()].map(([path, { bytes, crc }]): ManifestFile => ({
    ...{ path, sizeBytes: bytes, crc },
    mtimeMs: statSync(target.pathOf(path)).mtimeMs,
  }));
  const overwritten = new Set(ours.map(({ path }) => path));
  const pgControl = { path: target.files.control, sizeBytes: control.length, crc: crc32c(control) };
  const all = [
    ...files.filter(({ path }) => !overwritten.has(path)),
    ...ours,
    { ...pgControl, mtimeMs: Date.parse(summary.endedAt) },
  ];
  const text = manifestText({
    serverMajor: Math.floor(summary.serverVersion / 10000),
    systemId: summary.systemId,
    files: all.filter(({ path }) => !path.startsWith(`${target.files.log}/`) && path !== manifestName),
    log: { timeline: summary.timeline, from: summary.beginLsn, to: summary.endLsn },
  });
  target.writeFile(manifestName, `${text}${manifestEnd(sha256Hex(Buffer.from(text)))}`);
}
