import { fail } from '../errors/fail.ts';
import { crc32c } from '../wal/crc32c.ts';
import { formatLsn, lsnToNumber } from '../wal/lsn.ts';
import type { Lsn } from '../wal/lsn.ts';

/** State of the cluster when the control file was last written (DBState of pg_control.h). */
export const clusterStates = [
  'starting up',
  'shut down',
  'shut down in recovery',
  'shutting down',
  'in crash recovery',
  'in archive recovery',
  'in production',
] as const;
export type ClusterState = (typeof clusterStates)[number];

/** Content of pg_control (pg_control.h of PostgreSQL 12–18) as far as backup and recovery decide by it. */
export interface ControlFile {
  /** Decimal text of the 64-bit system identifier. */
  readonly systemId: string;
  /** Layout version: 1201 (12), 1300 (13–16), 1700 (17), 1800 (18). */
  readonly controlVersion: number;
  readonly catalogVersion: number;
  readonly state: ClusterState;
  /** Seconds since 1970. */
  readonly writtenAt: number;
  readonly checkpointLsn: Lsn;
  readonly redoLsn: Lsn;
  readonly timeline: number;
  /** `0/0` unless the cluster is in archive recovery. */
  readonly minRecoveryLsn: Lsn;
  readonly minRecoveryTimeline: number;
  readonly backupStartLsn: Lsn;
  readonly isBackupEndRequired: boolean;
  /** True when the log is written with wal_level = minimal: it is good for crash recovery only. */
  readonly isLogMinimal: boolean;
  readonly pageBytes: number;
  /** Pages in one file of a relation: 131072 unless built otherwise. */
  readonly pagesPerFile: number;
  readonly logPageBytes: number;
  readonly segmentBytes: number;
  readonly hasChecksums: boolean;
}

/** The server writes the file as one block of this size (PG_CONTROL_FILE_SIZE). */
export const controlFileBytes = 8192;

/** Offset of the checksum by layout version; it covers all bytes before it. */
const checksumOffsets = new Map([
  [1201, 288],
  [1300, 288],
  [1700, 288],
  [1800, 292],
]);

/**
 * Decodes a control file and checks its CRC-32C. `path` is for the error only.
 * Throws `version_unsupported` for an unknown layout and `control_file_damaged` for short, torn or damaged content.
 */
export function decodeControlFile(bytes: Uint8Array, path: string): ControlFile {
  const damaged = (reason: string): Error => fail('control_file_damaged', { path, reason });
  if (bytes.length < 296) throw damaged(`it holds ${String(bytes.length)} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const u32 = (at: number): number => view.getUint32(at, true);
  const lsn = (at: number): Lsn => formatLsn(u32(at + 4) * 4294967296 + u32(at));
  const controlVersion = u32(8);
  const checksumAt = checksumOffsets.get(controlVersion);
  if (checksumAt === undefined) {
    // A byte-swapped or foreign file and a damaged one look alike; only a plausible number is called a version.
    if (controlVersion < 800 || controlVersion > 9999)
      throw damaged(`its layout version ${String(controlVersion)} makes no sense`);
    throw fail('version_unsupported', {
      object: path,
      version: `layout ${String(controlVersion)}`,
      supported: '12–18',
    });
  }
  if (crc32c(bytes.subarray(0, checksumAt)) !== u32(checksumAt)) throw damaged('its checksum does not match');
  const state = clusterStates[u32(16)];
  if (state === undefined) throw damaged(`its cluster state is ${String(u32(16))}`);
  return {
    systemId: view.getBigUint64(0, true).toString(),
    controlVersion,
    catalogVersion: u32(12),
    state,
    writtenAt: Number(view.getBigInt64(24, true)),
    checkpointLsn: lsn(32),
    redoLsn: lsn(40),
    timeline: u32(48),
    minRecoveryLsn: lsn(136),
    minRecoveryTimeline: u32(144),
    backupStartLsn: lsn(152),
    isBackupEndRequired: bytes[168] !== 0,
    isLogMinimal: u32(172) === 0,
    pageBytes: u32(216),
    pagesPerFile: u32(220),
    logPageBytes: u32(224),
    segmentBytes: u32(228),
    hasChecksums: u32(252) !== 0,
  };
}

/** What a restore may change in a control file: how the server begins. */
export interface ControlFileChange {
  readonly state: ClusterState;
  /** Recovery must replay up to here before anything is consistent; absent: as it is. */
  readonly minRecovery?: { readonly lsn: Lsn; readonly timeline: number };
}

/**
 * The same control file with another state, and with a new CRC-32C. `path` is for the error only. Throws what
 * `decodeControlFile` throws.
 */
export function changeControlFile(bytes: Uint8Array, change: ControlFileChange, path: string): Uint8Array {
  const { controlVersion } = decodeControlFile(bytes, path);
  const changed = bytes.slice();
  const view = new DataView(changed.buffer, changed.byteOffset, changed.byteLength);
  view.setUint32(16, clusterStates.indexOf(change.state), true);
  if (change.minRecovery !== undefined) {
    const position = lsnToNumber(change.minRecovery.lsn);
    view.setUint32(136, position % 4294967296, true);
    view.setUint32(140, Math.floor(position / 4294967296), true);
    view.setUint32(144, change.minRecovery.timeline, true);
  }
  const checksumAt = checksumOffsets.get(controlVersion) ?? 0;
  view.setUint32(checksumAt, crc32c(changed.subarray(0, checksumAt)), true);
  return changed;
}
