import type { RunId } from '../id.ts';
import type { TableName } from '../logical/selection.ts';

/** A whole database that is wanted, and the name that it gets on the target: its own, or a new one. */
export interface WantedDatabase {
  readonly database: string;
  readonly as: string;
}

/** A table that is wanted, in the live database of the same name; `as` is its name there, in the same schema. */
export interface WantedTable extends TableName {
  readonly database: string;
  readonly as: string;
}

/** A whole schema that is wanted, in the live database of the same name, and the name that it gets there. */
export interface WantedSchema {
  readonly database: string;
  readonly schema: string;
  readonly as: string;
}

/**
 * What goes from a source (a scratch instance, a logical set) into a live instance. Whatever has the name of something that
 * is there replaces it: it is moved aside in one transaction and kept until somebody confirms.
 */
export interface TransferTask {
  readonly databases: readonly WantedDatabase[];
  readonly tables: readonly WantedTable[];
  /** Absent: none. */
  readonly schemas?: readonly WantedSchema[];
  /** Sessions of others in a database that is replaced are ended at the swap; else they are a refusal before anything is made. */
  readonly endsSessions: boolean;
  /** What was replaced is dropped at once, not kept. */
  readonly dropsOld: boolean;
}

/** A constraint of a kept table that would hold rows of live tables: taken off at the swap, put on again by an undo. */
export interface TakenKey extends TableName {
  readonly name: string;
  /** As the server writes it, with schemas. */
  readonly definition: string;
}

/** Oids name the very things: a name may have been taken by something else since. */
interface OidsOfPlace {
  /** Of what was put into its place. */
  readonly oid: string;
  /** Of what was replaced; there exactly when it is kept. */
  readonly keptOid?: string;
  /** Foreign keys to live tables that were taken off what is kept, with the schema they had before. Absent: none. */
  readonly takenKeys?: readonly TakenKey[];
}

/** One thing that was put into its place. */
export type Placed =
  | ({
      readonly kind: 'database';
      readonly name: string;
      /** Where the one lies that was replaced; absent: there was none, or it was dropped. */
      readonly keptAs?: string;
    } & OidsOfPlace)
  | ({
      readonly kind: 'schema';
      readonly database: string;
      readonly name: string;
      /** Name of the one that was replaced; absent: there was none, or it was dropped. */
      readonly keptAs?: string;
    } & OidsOfPlace)
  | ({
      readonly kind: 'table';
      readonly database: string;
      /** Schema in which the replaced one lies under its own name. */
      readonly keptIn?: string;
    } & TableName &
      OidsOfPlace);

/** What a transfer tells of its swap: before it, what it is about to place; after it, what is in place. */
export interface PlacesTold {
  readonly placed: readonly Placed[];
  /** False: the swap is about to happen, or did not happen (then nothing is named). */
  readonly isSwapped: boolean;
}

/** `discard`: what an undo set aside is dropped. */
export type SettleVerb = 'confirm' | 'undo' | 'discard';

/** What shall become of what a transfer replaced and kept. */
export interface SettleTask {
  readonly does: SettleVerb;
  /** The transfer. */
  readonly of: RunId;
  readonly placed: readonly Placed[];
  readonly endsSessions: boolean;
}

/** Names that are replaced on the target (the same name, old kept) against those that are new there. */
export const isReplacing = ({
  databases,
  tables,
  schemas = [],
}: Omit<TransferTask, 'endsSessions' | 'dropsOld'>): boolean =>
  schemas.some(({ schema, as }) => as === schema) ||
  databases.some(({ database, as }) => as === database) ||
  tables.some(({ table, as }) => as === table);

export function placedText(one: Placed): string {
  if (one.kind === 'database') return one.name;
  return one.kind === 'schema' ? `${one.database}.${one.name}` : `${one.database}.${one.schema}.${one.table}`;
}

/** Databases that something is taken from. */
export const databasesOfTask = ({ databases, tables, schemas = [] }: TransferTask): readonly string[] => [
  ...new Set([...databases, ...tables, ...schemas].map(({ database }) => database)),
];

/** The live database that gets tables or schemas; undefined when whole databases were chosen. */
export const databaseOfParts = ({ tables, schemas = [] }: TransferTask): string | undefined =>
  [...tables, ...schemas][0]?.database;
