import type { InstanceAccess } from '#core/agent/order.ts';
import type { DatabaseFacts, RelationOfDatabase } from '#core/logical/meta.ts';
import type { DatabaseSelection } from '#core/logical/selection.ts';
import { isUnpicked, isWhole } from '#core/logical/selection.ts';
import type { DatabaseOfSet } from '#core/logical/set-summary.ts';
import type { Session } from '#agent/database/session.ts';
import { textOf } from '#agent/database/session.ts';
import type { Channels, Task } from './backup-channels.ts';
import { inChannels } from './backup-channels.ts';
import { databaseFacts } from './backup-facts.ts';
import type { FoundRelation, Selected } from './backup-relations.ts';
import { demandReadable, dumpPartsOf, selectedRelations } from './backup-relations.ts';
import { columnsOf, sizesOf, writeRows, writeSequences } from './backup-rows.ts';
import type { SectionRequest } from './backup-sections.ts';
import { writeSection } from './backup-sections.ts';
import type { Snapshot } from './backup-snapshot.ts';
import type { BegunBackup } from './begin-backup.ts';
import { beginBackup } from './begin-backup.ts';
import type { FoundTool } from './find-tool.ts';
import type { StreamWriter, WrittenStream } from './stream-writer.ts';

export interface DatabaseBackup {
  readonly instance: InstanceAccess;
  readonly selection: DatabaseSelection;
  readonly lockWaitSeconds: number;
  readonly tool: FoundTool;
  /** One per channel. */
  readonly writers: readonly StreamWriter[];
  readonly signal: AbortSignal;
  readonly pace: (bytes: number) => Promise<void>;
  readonly log: (line: string) => void;
  /** What was found to do, in bytes as the server holds them and in streams. */
  readonly onBegun: (streams: number, bytes: number) => void;
  readonly onStream: () => void;
}

export interface DatabaseDone {
  readonly facts: DatabaseFacts;
  readonly figures: DatabaseOfSet;
  readonly streams: readonly WrittenStream[];
}

/**
 * Backs up what was selected of one database, all of one snapshot: definitions by the dump tool, rows table by table over as
 * many sessions as there are channels, the largest table first. Nothing that changes a definition gets in between: every
 * table is locked, and a lock that must be waited for too long ends the attempt instead of standing behind somebody for ever.
 */
export async function backUpDatabase(backup: DatabaseBackup): Promise<DatabaseDone> {
  const request = { ...backup, database: backup.selection.database };
  const begun = await beginBackup({ ...backup, database: request.database });
  const { session } = begun.snapshot;
  const failed = new AbortController();
  const signal = AbortSignal.any([backup.signal, session.lost, failed.signal]);
  const stop = (error: unknown): void => {
    failed.abort(error);
  };
  try {
    return await backUpBy({ ...backup, signal }, { request, stop }, begun);
  } finally {
    await session.close();
  }
}

async function backUpBy(
  backup: DatabaseBackup,
  { request, stop }: Pick<Channels, 'request' | 'stop'>,
  { snapshot, selected, tables: ofRows }: BegunBackup,
): Promise<DatabaseDone> {
  const { session } = snapshot;
  const facts = await databaseFacts(session);
  const sizes = await sizesOf(session, ofRows);
  const found = { backup, snapshot, selected, sizes, encoding: facts.encoding };
  const { before, middle, tables, after } = await tasksOf(found);
  const bytes = [...sizes.values()].reduce((sum, one) => sum + one, 0);
  backup.onBegun(before.length + middle.length + tables.length + after.length, bytes);
  // Why in this order: tools lock what they dump, so they go first, while nobody can have come between.
  const ordered = [...before, ...after, ...middle, ...tables];
  const { writers, signal, onStream } = backup;
  const streams = await inChannels({ writers, signal, stop, request, snapshot: snapshot.name, onStream }, ordered);
  const head = before.length + after.length;
  const restored = [
    ...streams.slice(0, before.length),
    ...streams.slice(head + middle.length),
    ...streams.slice(head, head + middle.length),
    ...streams.slice(before.length, head),
  ];
  return doneOf(backup, { snapshot, facts, selected, streams: restored });
}

interface Found {
  readonly backup: DatabaseBackup;
  readonly snapshot: Snapshot;
  readonly selected: Selected;
  /** By oid of the table. */
  readonly sizes: ReadonlyMap<string, number>;
  readonly encoding: string;
}

interface Tasks {
  readonly before: readonly Task[];
  /** Large objects and sequences, in this order. */
  readonly middle: readonly Task[];
  readonly tables: readonly Task[];
  readonly after: readonly Task[];
}

async function tasksOf({ backup, snapshot, selected, sizes, encoding }: Found): Promise<Tasks> {
  const { relations } = selected;
  const { selection, signal, pace, lockWaitSeconds, tool, instance, log } = backup;
  const { database } = selection;
  const { session, name } = snapshot;
  const parts = dumpPartsOf(selection, selected);
  const common = { tool, instance, database, snapshot: name, lockWaitSeconds, signal, pace, log };
  const dump =
    (section: SectionRequest['section']) =>
    (part: SectionRequest['part']): Task =>
    ({ writer }) =>
      writeSection({ ...common, section, part }, writer);
  const sequences = relations.filter(({ kind }) => kind === 'sequence');
  const hasLarge = isUnpicked(selection) && (await hasLargeObjects(session));
  const wholePart = { schemas: [], tables: [], excludeSchemas: [], excludeTables: [] };
  const middle: Task[] = hasLarge ? [dump('large-objects')(wholePart)] : [];
  if (sequences.length > 0)
    middle.push(async (channel) => writeSequences(await channel.session(), { database, sequences }, channel.writer));
  const bytesOf = ({ oid }: FoundRelation): number => sizes.get(oid) ?? 0;
  const tables = relations.filter(({ kind }) => kind === 'table').sort((a, b) => bytesOf(b) - bytesOf(a));
  const columns = await columnsOf(session, tables);
  const rowsOf =
    (table: FoundRelation): Task =>
    async (channel) => {
      const own = { table, columns: columns.get(table.oid) ?? [], session: await channel.session() };
      return writeRows({ ...own, database, encoding, lockWaitSeconds, signal, pace }, channel.writer);
    };
  return {
    before: parts.map(dump('pre-data')),
    middle,
    tables: tables.map(rowsOf),
    after: parts.map(dump('post-data')),
  };
}

async function hasLargeObjects(session: Session): Promise<boolean> {
  return textOf(await session.queryOne('select count(*)::text as found from pg_largeobject_metadata'), 'found') !== '0';
}

interface Ended {
  readonly snapshot: Snapshot;
  readonly facts: Awaited<ReturnType<typeof databaseFacts>>;
  readonly selected: Selected;
  readonly streams: readonly WrittenStream[];
}

function doneOf({ selection }: DatabaseBackup, { snapshot, facts, selected, streams }: Ended): DatabaseDone {
  const name = selection.database;
  const head = { name, isWhole: isWhole(selection), snapshotAt: snapshot.takenAt };
  const tables = streams.flatMap(({ content }) => (content.kind === 'table' ? [content] : []));
  const { relations, leftOut } = selected;
  return {
    streams,
    facts: { ...head, ...facts, relations: relations.map(plainRelation) },
    figures: {
      ...head,
      tableCount: tables.length,
      rowCount: tables.reduce((sum, { rows }) => sum + rows, 0),
      rawBytes: streams.reduce((sum, { rawBytes }) => sum + rawBytes, 0),
      ...(leftOut.length === 0 ? {} : { leftOut }),
    },
  };
}

const plainRelation = ({ schema, table, kind }: FoundRelation): RelationOfDatabase => ({ schema, table, kind });

/** Refuses what cannot be backed up before anything is made in the pool; touches nothing. */
export async function checkDatabase(session: Session, selection: DatabaseSelection, user: string): Promise<void> {
  demandReadable(selection, user, (await selectedRelations(session, selection)).relations);
}
