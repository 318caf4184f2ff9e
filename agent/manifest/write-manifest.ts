import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import type { SetSummary } from '#core/backup/set-summary.ts';
import type { ManifestFile } from '#core/restore/backup-manifest.ts';
import { manifestEnd, manifestName, manifestText } from '#core/restore/backup-manifest.ts';
import { crc32c } from '#core/wal/crc32c.ts';
import type { EmptyTarget } from '#agent/datadir/writer.ts';

export interface ManifestOfTarget {
  readonly target: EmptyTarget;
  readonly summary: SetSummary;
  /** Files that were written from the set, as they were written. */
  readonly files: Iterable<ManifestFile>;
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
  function* all(): Iterable<ManifestFile> {
    for (const file of files) if (!overwritten.has(file.path) && isListed(file)) yield file;
    yield* ours.filter(isListed);
    yield { ...pgControl, mtimeMs: Date.parse(summary.endedAt) };
  }
  const isListed = ({ path }: ManifestFile): boolean =>
    !path.startsWith(`${target.files.log}/`) && path !== manifestName;
  const text = manifestText({
    serverMajor: Math.floor(summary.serverVersion / 10000),
    systemId: summary.systemId,
    files: all(),
    log: { timeline: summary.timeline, from: summary.beginLsn, to: summary.endLsn },
  });
  target.writeText(manifestName, withItsHash(text));
}

function* withItsHash(text: Iterable<string>): Iterable<string> {
  const hash = createHash('sha256');
  for (const part of text) {
    hash.update(part);
    yield part;
  }
  yield manifestEnd(hash.digest('hex'));
}
