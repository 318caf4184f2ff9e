import { join } from 'node:path';
import type { BaseOfSet, SetSummary, SetType } from '#core/backup/set-summary.ts';
import { whyNoBase } from '#core/backup/usable-base.ts';
import { databasesAnew } from '#core/changed/databases-anew.ts';
import { engineProfile } from '#core/engine/profiles.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import { directoryAbove } from '#core/plain-path.ts';
import type { Warning } from '#core/run/progress.ts';
import type { BaseFiles, SourceFile } from '#agent/copy/copy-request.ts';
import type { ChangedPagesRequest } from '#agent/changed/open-changed-pages.ts';
import { openChangedPages } from '#agent/changed/open-changed-pages.ts';
import type { DoubtOfBase } from '#agent/changed/request.ts';
import type { Inspected } from '#agent/database/preflight.ts';
import { readControlFile } from '#agent/datadir/reader.ts';
import { baseFilesOf } from '#agent/sets/base-files.ts';
import { openChain } from '#agent/sets/open-chain.ts';
import type { SetChain } from '#agent/sets/open-chain.ts';
import { pieceDamage } from '#agent/sets/piece-damage.ts';
import type { Attempt, BegunBackup } from './attempt.ts';
import { isBefore } from './begin.ts';
import { branchIdsOf } from './history.ts';
import { kinshipOf, readLogNow } from './same-log.ts';

/** A base that was found good, or why there is none. */
export interface BaseFound {
  readonly chain?: SetChain;
  /** Why it may be of a time that was given up. */
  readonly doubt?: DoubtOfBase | undefined;
  readonly warnings: readonly Warning[];
}

/** What a set is made as. `link` and `files` are there exactly in incrementals. */
export interface Building {
  readonly type: SetType;
  readonly link?: BaseOfSet;
  readonly files?: BaseFiles;
  readonly warnings: readonly Warning[];
  /** The files with what must be read of each. */
  mark(files: readonly SourceFile[]): readonly SourceFile[];
}

/** A set that builds on none. */
export const full = (warnings: readonly Warning[]): Building => ({ type: 'full', warnings, mark: (files) => files });

/** K-048, design §5: no usable base makes a full, which says so. */
const becameFull = (reason: string): Warning => ({ code: 'became_full', detail: reason });

/**
 * Opens the base that the order names and decides whether it can be built upon: its whole chain there with all pieces, the
 * same instance, the same branch. To be called before backup mode begins: the log of the instance is read at once, the
 * answer may come later. Throws only what says nothing about the base, e.g. `pool_unreachable`.
 */
export async function findBase(attempt: Attempt, inspected: Inspected, history: string): Promise<BaseFound> {
  const { order, step } = attempt;
  if (order.base === undefined) return { warnings: [] };
  const { setId } = order.base.summary;
  const refused = (reason: string): BaseFound => {
    step.log({ level: 'warn', message: `${setId} cannot be the base, so this becomes a full backup: ${reason}` });
    return { warnings: [becameFull(`${setId} cannot be the base: ${reason}`)] };
  };
  const places = logPlaces(attempt, inspected);
  try {
    const logNow = readLogNow(order.base.summary, places);
    const chain = await openChain(attempt.pool, setId);
    const reason = (await whyNot(attempt, { chain, inspected, history })) ?? (await brokenPiece(attempt, chain));
    if (reason !== undefined) return refused(reason);
    const { other, doubt } = await kinshipOf(attempt.pool, chain[0], { held: logNow, places });
    return other === undefined ? { chain, doubt, warnings: [] } : refused(other);
  } catch (error) {
    const isAboutBase =
      error instanceof HoldfastError && (error.class === 'corrupt' || error.code === 'set_not_committed');
    if (!isAboutBase) throw error;
    return refused(error.message);
  }
}

function logPlaces({ order }: Attempt, { archiveDirectory }: Inspected) {
  const { engine, dataDirectory } = order.instance;
  const member = engineProfile(engine).files.log;
  const own = join(dataDirectory, member);
  return { member, directories: archiveDirectory === undefined ? [own] : [own, archiveDirectory] };
}

interface Candidate {
  readonly chain: SetChain;
  readonly inspected: Inspected;
  readonly history: string;
}

async function whyNot(
  { order, session }: Attempt,
  { chain, inspected, history }: Candidate,
): Promise<string | undefined> {
  const { engine, dataDirectory } = order.instance;
  const { summary } = chain[0].meta;
  if (order.base?.wanted === 'cumulative' && summary.type !== 'full') return 'a cumulative builds on a full (D-025)';
  const { content: control } = await readControlFile(engineProfile(engine), dataDirectory);
  return whyNoBase(summary, {
    ...{ engine, serverMajor: session.serverMajor, systemId: control.systemId, history },
    ...{ hasChecksums: control.hasChecksums, pageBytes: control.pageBytes, timeline: inspected.facts.timeline },
    insertLsn: inspected.facts.insertLsn,
    branchIdsOf: (timeline) => branchIdsOf({ dataDirectory, inspected }, history, timeline),
  });
}

/** Sizes only: every byte is for `set verify`. */
async function brokenPiece({ pool }: Attempt, chain: SetChain): Promise<string | undefined> {
  for (const set of chain) {
    const [first] = await pieceDamage(pool, set);
    if (first !== undefined) return first.what;
  }
  return undefined;
}

/**
 * Decides how the set is made, in backup mode and before any file is read. A begin that still lies before the end of the
 * base (D-019) makes a full.
 */
export async function decideBuilding(attempt: Attempt, found: BaseFound, begun: BegunBackup): Promise<Building> {
  const { order, step } = attempt;
  const { base } = order;
  const { chain } = found;
  if (base === undefined || chain === undefined) return full(found.warnings);
  const { summary } = chain[0].meta;
  if (isBefore(begun.beginLsn, summary.endLsn))
    return full([
      becameFull(`the backup begins at ${begun.beginLsn}, before ${summary.endLsn} where the base ends (D-019)`),
    ]);
  const { pages, warnings, notes } = await openChangedPages(
    requestOf(attempt, begun, { base: summary, doubt: found.doubt }),
  );
  for (const message of notes) step.log({ level: 'info', message });
  step.log({ level: 'info', message: `builds on ${summary.setId}; changed pages come from ${pages.source}` });
  const files = baseFilesOf(chain);
  return {
    type: base.wanted,
    warnings: [...found.warnings, ...warnings],
    files,
    link: {
      setId: summary.setId,
      metaSha256: chain[0].metaSha256,
      fullSetId: summary.base?.fullSetId ?? summary.setId,
      ...{ beginLsn: summary.beginLsn, endLsn: summary.endLsn, changedPages: pages.source },
    },
    mark: (all) => {
      const { version } = engineProfile(order.instance.engine).files;
      const anew =
        pages.source === 'page-lsn' ? databasesAnew(all, version, (path) => files.timeOf(path)) : new Set<string>();
      return all.map((file) => {
        const { path, sizeBytes } = file;
        if (anew.has(directoryAbove(path))) return { ...file, changed: { kind: 'whole' } };
        return { ...file, changed: pages.changedIn({ path, sizeBytes, baseBytes: files.sizeOf(path) }) };
      });
    },
  };
}

function requestOf(
  { order, session, pool, deps, step }: Attempt,
  begun: BegunBackup,
  { base, doubt }: { readonly base: SetSummary; readonly doubt: DoubtOfBase | undefined },
): ChangedPagesRequest {
  const { engine, dataDirectory } = order.instance;
  const { facts, archiveDirectory } = begun.inspected;
  const { beginLsn, history, control } = begun;
  const { source } = order.base ?? {};
  return {
    ...{ session, base, engine, dataDirectory, archiveDirectory, pool, control, clock: deps.clock },
    ...(source === undefined ? {} : { wanted: source }),
    ...(doubt === undefined ? {} : { doubt }),
    now: { beginLsn, insertLsn: beginLsn, timeline: facts.timeline, history },
    signal: step.signal,
  };
}
