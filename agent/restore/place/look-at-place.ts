import type { Finding, ScratchFound } from '#core/agent/inspection.ts';
import type { InspectionOf } from '#core/agent/order.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import { refuseUsedGround } from '#agent/datadir/writer-ground.ts';
import { refuseLinked } from '#agent/datadir/linked-directories.ts';
import { bytesBelow } from '#agent/datadir/writer-overwrite.ts';
import { canonicalPath, isAbsent, refuseNotEmpty } from '#agent/datadir/writer-paths.ts';
import { isLeft } from '#agent/datadir/writer-left.ts';
import { refuseRunning } from '#agent/datadir/writer-running.ts';
import type { OwnMounts } from '#agent/ground/foreign.ts';
import { demandOwn } from '#agent/ground/foreign.ts';
import { ownPlaces } from '#agent/ground/own-places.ts';
import { refuseTooLittleSpace } from '#agent/datadir/writer-space.ts';
import type { ScratchGround } from '#agent/scratch/scratch-base.ts';
import { scratchRoot } from '#agent/scratch/scratch-base.ts';
import { proveCluster } from '#agent/restore/in-place/clear-place.ts';
import { refuseShared } from '#agent/restore/in-place/old-tablespaces.ts';

const mebibyte = 1024 * 1024;

/**
 * What a restore would meet at its place right now, by the same checks that it makes itself; nothing is touched. It may be
 * otherwise when the restore begins: that proves everything again.
 */
export function lookAtPlace(asked: InspectionOf<'place'>, logDirectories: readonly string[] = []): readonly Finding[] {
  const directory = canonicalPath(asked.directory);
  const roots = [directory, ...asked.tablespaces.map(canonicalPath)];
  const server = look('server', 'no server runs there', () => {
    refuseRunning(directory);
  });
  return [
    server,
    ...(asked.isCopy ? roots.map((root) => lookEmpty(root, logDirectories)) : lookAtOlds(asked, roots, logDirectories)),
    lookAtSpace(asked, roots),
  ];
}

/** The same for a scratch instance, whose directory the agent makes itself. */
export function lookAtScratch(ground: ScratchGround, bytes: number): ScratchFound {
  const root = canonicalPath(scratchRoot(ground));
  const space = look('space', `${root} has room for ${String(Math.ceil(bytes / mebibyte))} MiB`, () => {
    refuseTooLittleSpace([{ path: root, bytes }]);
  });
  return { root, findings: [space] };
}

const lookEmpty = (path: string, logDirectories: readonly string[]): Finding =>
  look('place', `${path} ${isAbsent(path) ? 'does not exist yet' : 'is empty'}`, () => {
    refuseNotEmpty(path);
    refuseUsedGround(path, logDirectories);
  });

/** In place: the data directory, and each tablespace, which is one of the old instance and its alone, or empty. */
function lookAtOlds(
  asked: InspectionOf<'place'>,
  [directory = '', ...spaces]: readonly string[],
  logDirectories: readonly string[],
): readonly Finding[] {
  const own = isAbsent(directory) ? new Set<string>() : ownPlaces(directory);
  const lookAtSpaceOf = (path: string): Finding =>
    look('place', `${path} is a tablespace of that database alone; ${fateOf(asked)}`, () => {
      refuseShared(path, directory);
      demandOwn(path, mountsOf(asked));
    });
  return [
    lookAtOld(asked, directory),
    ...spaces.map((path) => (own.has(path) ? lookAtSpaceOf(path) : lookEmpty(path, logDirectories))),
  ];
}

/** What is written over loses what is not of it; what is moved aside takes it along. */
const mountsOf = ({ isDelta }: InspectionOf<'place'>): OwnMounts => (isDelta === true ? 'parts' : 'any');

const fateOf = ({ isDelta }: InspectionOf<'place'>): string =>
  isDelta === true ? 'IT IS WRITTEN OVER, nothing of it is kept' : 'it is moved aside and kept';

function lookAtOld(asked: InspectionOf<'place'>, directory: string): Finding {
  const { systemId, isDelta } = asked;
  if (isAbsent(directory)) return { check: 'place', verdict: 'ok', detail: `${directory} does not exist`, hint: '' };
  let doubts: readonly string[] = [];
  const found = look('place', `${directory} holds the database of the plan; ${fateOf(asked)}`, () => {
    if (isDelta === true) refuseLinked(directory);
    demandOwn(directory, mountsOf(asked));
    doubts = proveCluster({ systemId }, directory).map(({ detail }) => detail);
  });
  const [doubt] = doubts;
  if (doubt === undefined) return found;
  return {
    check: 'place',
    verdict: isDelta === true && !isLeft(directory) ? 'fail' : 'warn',
    detail: doubt,
    hint: 'Look yourself whose data it is before you replace it.',
  };
}

/** Which bytes go to which tablespace is known when the set is opened; until then all are counted for the data directory. */
function lookAtSpace(
  { bytes: all, isDelta }: InspectionOf<'place'>,
  [directory = '', ...spaces]: readonly string[],
): Finding {
  const there = isDelta === true ? [directory, ...spaces].reduce((sum, path) => sum + bytesBelow(path), 0) : 0;
  const bytes = Math.max(0, all - there);
  const found = look('space', `there is room for ${String(Math.ceil(bytes / mebibyte))} MiB`, () => {
    refuseTooLittleSpace([{ path: directory, bytes }]);
  });
  return found.verdict === 'fail' && spaces.length > 0 ? { ...found, verdict: 'warn' } : found;
}

/** A refusal is a finding with its remedy; what could not be looked at is said, too. */
export function look(check: string, detail: string, step: () => void): Finding {
  try {
    step();
    return { check, verdict: 'ok', detail, hint: '' };
  } catch (error) {
    if (error instanceof HoldfastError) return { check, verdict: 'fail', detail: error.message, hint: error.hint };
    const reason = error instanceof Error ? error.message : String(error);
    return {
      check,
      verdict: 'warn',
      detail: `could not be looked at: ${reason}`,
      hint: 'Check the rights of the agent.',
    };
  }
}
