import type { RestorePlace, RestorePlan } from './plan/plan.ts';

/** Stands in a plan for the directory that the agent will make: only the agent knows where it has room (design §7 "scratch"). */
const symbol = '/holdfast-scratch';

/** Place of a scratch instance in a request: the agent puts its own directory in. */
export const scratchPlace: RestorePlace = { kind: 'copy', directory: `${symbol}/data` };

/** Where a tablespace of a scratch instance goes; it needs no mapping by hand. */
export const scratchTablespace = (oid: number): string => `${symbol}/tablespaces/${String(oid)}`;

export const isScratch = ({ kind, directory }: Pick<RestorePlace, 'kind' | 'directory'>): boolean =>
  kind === 'copy' && directory === scratchPlace.directory;

/** A plan as it is shown to whoever asks where it would go: below the real directory of the host. */
export function shownInScratch(plan: RestorePlan, root: string): RestorePlan {
  const { place, steps, tablespaceMap } = plan;
  const { directory } = place;
  const real = (text: string): string => text.replaceAll(symbol, `${root}/<run>`);
  return {
    ...plan,
    place: { ...place, directory: real(directory) },
    tablespaceMap: Object.fromEntries(Object.entries(tablespaceMap).map(([oid, path]) => [oid, real(path)])),
    steps: steps.map(real),
  };
}

/** The same plan below a real directory, as a scratch instance: nobody but the agent reaches it, and it takes little memory. */
export function inScratch(plan: RestorePlan, base: string): RestorePlan {
  const real = (text: string): string => text.replaceAll(symbol, base);
  const { place, tablespaceMap, steps, ways } = plan;
  return {
    ...plan,
    place: { ...place, directory: real(place.directory) },
    tablespaceMap: Object.fromEntries(Object.entries(tablespaceMap).map(([oid, path]) => [oid, real(path)])),
    steps: steps.map(real),
    isOpenedAfter: true,
    ways: { ...ways, isScratch: true },
  };
}

/** Where a plan of a scratch instance goes when it replaces a marked instance. */
export interface ReplacedPlace {
  readonly directory: string;
  /** Directory that gets the tablespaces. */
  readonly spaces: string;
  readonly port: number;
}

/** The same plan in the place of a marked instance: kept apart like a scratch instance, and it stays. */
export function inPlaceOf(plan: RestorePlan, { directory, spaces, port }: ReplacedPlace): RestorePlan {
  const real = (text: string): string =>
    text.replaceAll(`${symbol}/tablespaces`, spaces).replaceAll(`${symbol}/data`, directory);
  const { tablespaceMap, steps, ways } = plan;
  return {
    ...plan,
    place: { kind: 'copy', directory, port },
    tablespaceMap: Object.fromEntries(Object.entries(tablespaceMap).map(([oid, path]) => [oid, real(path)])),
    steps: steps.map(real),
    isOpenedAfter: true,
    ways: { ...ways, isScratch: true },
  };
}

/** Settings of a scratch instance: it may share the host with the instance whose memory it would otherwise ask for, too. */
export const scratchSettings = (major: number): Readonly<Record<string, string>> => ({
  shared_buffers: '128MB',
  huge_pages: 'off',
  autovacuum: 'off',
  max_parallel_workers_per_gather: '0',
  // A trigger of the database on logins would run with the first session, and may lead anywhere (PG 17 manual "Event Triggers").
  ...(major >= 17 ? { event_triggers: 'off' } : {}),
});

/** Its socket lies in a directory that only its owner may enter: whoever gets there is let in. */
export const scratchAccess = 'local all all trust\n';
