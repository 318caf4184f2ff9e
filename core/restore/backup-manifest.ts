import type { Lsn } from '../wal/lsn.ts';

/** Name of the file beside `PG_VERSION`; the server itself never reads it. */
export const manifestName = 'backup_manifest';

/** One file as it was written. */
export interface ManifestFile {
  /** Relative to the data directory with `/`; files of tablespaces below the link, `pg_tblspc/<oid>/…`. */
  readonly path: string;
  readonly sizeBytes: number;
  /** Milliseconds since 1970. */
  readonly mtimeMs: number;
  /** CRC-32C, unsigned. */
  readonly crc: number;
}

export interface ManifestRequest {
  readonly serverMajor: number;
  /** Decimal text. */
  readonly systemId: string;
  readonly files: Iterable<ManifestFile>;
  /** Log that a server needs to become consistent. */
  readonly log: { readonly timeline: number; readonly from: Lsn; readonly to: Lsn };
}

/**
 * Text of a backup manifest up to its own checksum (PostgreSQL manual "Backup Manifest Format"), which is the SHA-256 of this
 * text: version 1 up to PostgreSQL 16, version 2 with the system identifier from 17 on. Log is named by range, not as files.
 * In parts, one for each file: there may be millions.
 */
export function* manifestText({ serverMajor, systemId, files, log }: ManifestRequest): Iterable<string> {
  const head =
    serverMajor >= 17
      ? `{ "PostgreSQL-Backup-Manifest-Version": 2,\n"System-Identifier": ${systemId},\n`
      : '{ "PostgreSQL-Backup-Manifest-Version": 1,\n';
  const range = `{ "Timeline": ${String(log.timeline)}, "Start-LSN": "${log.from}", "End-LSN": "${log.to}" }`;
  yield `${head}"Files": [\n`;
  let isFirst = true;
  for (const file of files) {
    yield isFirst ? fileLine(file) : `,\n${fileLine(file)}`;
    isFirst = false;
  }
  yield `\n],\n"WAL-Ranges": [\n${range}\n],\n`;
}

/** The last line, with the hex SHA-256 of the text before it. */
export const manifestEnd = (sha256: string): string => `"Manifest-Checksum": "${sha256}"}\n`;

const fileLine = ({ path, sizeBytes, mtimeMs, crc }: ManifestFile): string =>
  `{ "Path": ${JSON.stringify(path)}, "Size": ${String(sizeBytes)}, "Last-Modified": "${gmt(mtimeMs)}", ` +
  `"Checksum-Algorithm": "CRC32C", "Checksum": "${hexOf(crc)}" }`;

/** `2026-11-21 10:15:00 GMT`; nobody checks it. */
const gmt = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} GMT`;

/** The bytes of the sum as they lie in the memory of a little-endian server: the manifest has them so. */
const hexOf = (crc: number): string =>
  [0, 8, 16, 24].map((shift) => ((crc >>> shift) & 0xff).toString(16).padStart(2, '0')).join('');
