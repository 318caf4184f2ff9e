import type { AttemptId } from '../id.ts';
import type { Instant } from '../instant.ts';
import type { TableName } from './selection.ts';
import type { LogicalSetSummary } from './set-summary.ts';

/** What a stream of a logical set holds. */
export type StreamContent =
  | {
      /** Custom-format archives of the dump tool: definitions before and after the data, and large objects. */
      readonly kind: 'pre-data' | 'post-data' | 'large-objects';
    }
  | (TableName & {
      /** `COPY … TO STDOUT` in text format, in the encoding of the database (DatabaseFacts). */
      readonly kind: 'table';
      /** Columns in the order of the data; generated ones are not there. Empty: the table has none, each row is an empty line. */
      readonly columns: readonly string[];
      /** Rows as the server counted them. */
      readonly rows: number;
      /** Of a partition: the partitioned table at the top. Rows may have to go through it when partitions are hashed. */
      readonly root?: TableName;
      readonly isUnlogged?: true;
      /** Only rows that an extension declared as its configuration are there (pg_extension_config_dump). */
      readonly isOfExtension?: true;
    })
  | {
      /** Lines of JSON `[schema, sequence, last value as text, is it called]`. */
      readonly kind: 'sequences';
      readonly rows: number;
    };

/** Whole frames, one after another: their raw bytes joined are the stream. */
export interface FrameOfStream {
  /** Index in `pieces`. */
  readonly pieceIndex: number;
  /** Offset of the frame's header in its piece. */
  readonly offset: number;
  /** Header included. */
  readonly storedBytes: number;
  readonly rawBytes: number;
  /** Hex SHA-256 of the stored frame, header included. */
  readonly sha256: string;
  /** XXH3-128 of the raw bytes. */
  readonly hash: string;
}

/** One stream of a logical set. The order of streams of a database is that in which they are restored: pre-data first, post-data last. */
export interface LogicalStream {
  readonly database: string;
  readonly content: StreamContent;
  readonly rawBytes: number;
  readonly frames: readonly FrameOfStream[];
}

export interface PieceOfLogicalSet {
  /** Number within the attempt, from 1. */
  readonly piece: number;
  readonly attempt: AttemptId;
  readonly storedBytes: number;
}

/** A setting of a database or of a role in it, as `ALTER … SET` would write it: `work_mem=64MB`. */
export interface SettingOf {
  /** '' for everybody. */
  readonly role: string;
  readonly setting: string;
}

export interface RelationOfDatabase extends TableName {
  readonly kind: 'table' | 'partitioned' | 'view' | 'materialized-view' | 'foreign-table' | 'sequence';
}

/** A database as it was in its snapshot: what a restore makes it from and checks first. */
export interface DatabaseFacts {
  readonly name: string;
  readonly isWhole: boolean;
  readonly snapshotAt: Instant;
  readonly owner: string;
  /** Name, e.g. `UTF8`: the encoding of every table stream. */
  readonly encoding: string;
  readonly collate: string;
  readonly ctype: string;
  /** `libc`, `icu`, `builtin`; libc before PostgreSQL 15. */
  readonly localeProvider: string;
  readonly locale?: string;
  /** Tailoring of an ICU locale, since PostgreSQL 16. */
  readonly icuRules?: string;
  readonly tablespace: string;
  readonly connectionLimit: number;
  /** As text of aclitem[]; absent: the default rights. */
  readonly acl?: string;
  readonly comment?: string;
  readonly settings: readonly SettingOf[];
  readonly extensions: readonly { readonly name: string; readonly version: string; readonly schema: string }[];
  /** Roles that own or may use anything in the database, its owner included. */
  readonly roles: readonly string[];
  /** Tablespaces besides its own that relations lie in. */
  readonly tablespaces: readonly string[];
  /** What of it was selected. */
  readonly relations: readonly RelationOfDatabase[];
}

export interface RoleFacts {
  readonly name: string;
  readonly isSuperuser: boolean;
  readonly canLogin: boolean;
  readonly canInherit: boolean;
  readonly canCreateRole: boolean;
  readonly canCreateDatabase: boolean;
  readonly canReplicate: boolean;
  readonly canBypassRowSecurity: boolean;
  readonly connectionLimit: number;
  readonly memberOf: readonly string[];
  readonly settings: readonly string[];
}

/** What belongs to the instance and not to a database. Password hashes are never among it. */
export interface GlobalFacts {
  readonly roles: readonly RoleFacts[];
  readonly tablespaces: readonly { readonly name: string; readonly owner: string; readonly location: string }[];
}

/** All metadata of a logical set in memory. In the pool it is lines of JSON, docs/format.md §13. */
export interface LogicalMeta {
  readonly summary: LogicalSetSummary;
  readonly globals: GlobalFacts;
  readonly databases: readonly DatabaseFacts[];
  readonly pieces: readonly PieceOfLogicalSet[];
  readonly streams: readonly LogicalStream[];
}

/** Where a stream is, for messages: `shop.public.orders`, `shop (pre-data)`. */
export const streamText = ({ database, content }: Pick<LogicalStream, 'database' | 'content'>): string =>
  content.kind === 'table' ? `${database}.${content.schema}.${content.table}` : `${database} (${content.kind})`;
