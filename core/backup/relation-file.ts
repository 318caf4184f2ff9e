/** A file of a relation by its name (PG manual "Database File Layout"). */
export interface RelationFile {
  /** Relation file number; unique within one database and tablespace. */
  readonly number: string;
  readonly fork: 'main' | 'fsm' | 'vm' | 'init';
  /** Each segment holds `pagesPerFile` pages, counted from 0. */
  readonly segment: number;
  /** Belongs to one session (`t3_16384`) and is of no use to another. */
  readonly isTemporary: boolean;
}

const shape = /^(t\d+_)?(\d+)(?:_(fsm|vm|init))?(?:\.(\d+))?$/;

/** Undefined for names that are no relation: PG_VERSION, pg_filenode.map, what extensions leave behind. */
export function parseRelationFile(name: string): RelationFile | undefined {
  const m = shape.exec(name);
  if (m === null) return undefined;
  const fork = m[3] === 'fsm' || m[3] === 'vm' || m[3] === 'init' ? m[3] : 'main';
  return { number: m[2] ?? '', fork, segment: Number(m[4] ?? 0), isTemporary: m[1] !== undefined };
}

/**
 * Relations of a database directory that are unlogged: those with an init fork. Recovery makes their other forks anew
 * from it, so only `_init` is copied (basebackup.c sendDir, peers.md §5 item 9).
 */
export function unloggedRelations(names: Iterable<string>): ReadonlySet<string> {
  const found = new Set<string>();
  for (const name of names) {
    if (!name.includes('_init')) continue;
    const relation = parseRelationFile(name);
    if (relation?.fork === 'init' && !relation.isTemporary) found.add(relation.number);
  }
  return found;
}

/** Whether a file of a database directory goes into a set; what is no relation does. */
export function isWorthCopying(name: string, unlogged: ReadonlySet<string>): boolean {
  const relation = parseRelationFile(name);
  if (relation === undefined) return true;
  return !relation.isTemporary && (relation.fork === 'init' || !unlogged.has(relation.number));
}
