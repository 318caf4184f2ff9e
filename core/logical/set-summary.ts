import type { AttemptId, JobId, ResourceId, RunId, SetId } from '../id.ts';
import type { Instant } from '../instant.ts';
import type { Warning } from '../run/progress.ts';
import type { LogicalSelection, TableName } from './selection.ts';
import { isWhole } from './selection.ts';

/** A partition that was left out of a set, with the partitioned tables of the set whose rows it holds. */
export interface PartitionLeftOut extends TableName {
  readonly partOf: readonly TableName[];
}

/** One database of a logical set, in figures. */
export interface DatabaseOfSet {
  readonly name: string;
  /** Nothing was picked from it and nothing left out: it can be made anew from the set alone. */
  readonly isWhole: boolean;
  /** The moment whose state the set holds of this database: when its snapshot was taken, by the clock of the server. */
  readonly snapshotAt: Instant;
  readonly tableCount: number;
  readonly rowCount: number;
  readonly rawBytes: number;
  /** Absent: none, or a set of an early version. */
  readonly leftOut?: readonly PartitionLeftOut[];
}

/** Which program wrote the sections of a set: what restores them must be of this major or later. */
export interface DumpTool {
  /** `pg_dump`, `sys_dump`. */
  readonly name: string;
  readonly major: number;
  /** What it said of itself. */
  readonly version: string;
}

/** The head of a committed logical set: what the catalog indexes and what the first line of its `meta` says (docs/format.md §13). */
export interface LogicalSetSummary {
  readonly setId: SetId;
  readonly runId: RunId;
  readonly attemptId: AttemptId;
  /** The job that made it: `keep` counts the sets of one job. */
  readonly jobId: JobId;
  readonly resourceId: ResourceId;
  readonly engine: string;
  /** Server version number, e.g. 180004. */
  readonly serverVersion: number;
  readonly systemId: string;
  /** As it was asked for. */
  readonly selection: LogicalSelection;
  readonly databases: readonly DatabaseOfSet[];
  readonly dumpTool: DumpTool;
  readonly beganAt: Instant;
  readonly endedAt: Instant;
  readonly streamCount: number;
  readonly tableCount: number;
  readonly rowCount: number;
  /** Bytes of all streams as the server and the tool sent them. */
  readonly rawBytes: number;
  readonly storedBytes: number;
  readonly pieceCount: number;
  readonly isEncrypted: boolean;
  readonly warnings: readonly Warning[];
  readonly toolVersion: string;
}

/**
 * Databases of a set as its selection says they are: sets of early versions call a database whole of which schemas or tables were left
 * out. What was recorded as a part stays one.
 */
export const withRecordedParts = <T extends Pick<DatabaseOfSet, 'name' | 'isWhole'>>(
  selection: LogicalSelection,
  databases: readonly T[],
): readonly T[] =>
  databases.map((one) => {
    const chosen =
      selection.of === 'all' ? undefined : selection.databases.find(({ database }) => database === one.name);
    return chosen === undefined || isWhole(chosen) ? one : { ...one, isWhole: false };
  });
