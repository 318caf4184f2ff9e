import type { SetSummary } from '#core/backup/set-summary.ts';
import { bytesText } from '#core/bytes-text.ts';
import type { RestorePlan } from './plan.ts';
import { describeTarget } from './unreachable.ts';
import { warningsOf } from './warnings.ts';
import { beginDelta, endOf, fileSteps } from './way-steps.ts';

type Unprinted = Omit<RestorePlan, 'steps'>;

/** The ordered steps in words, as `restore plan` prints them before anything is touched (design §7). */
export function stepsOf(plan: Unprinted, set: SetSummary): readonly string[] {
  return [
    ...warningsOf(plan).map(({ detail }) => detail),
    ...(plan.place.kind === 'in-place'
      ? begin(plan)
      : [`Prove that ${plan.place.directory} is empty and large enough`]),
    ...chainStep(plan),
    `Write ${String(set.fileCount)} files (${bytesText(set.rawBytes)}) of set ${set.setId}, ended ${set.endedAt} at LSN ${set.endLsn}, timeline ${String(set.timeline)}`,
    ...Object.entries(plan.tablespaceMap).map(([oid, path]) => `Write tablespace ${oid} to ${path}`),
    logStep(plan),
    ...offlineStep(plan),
    ...fileSteps(plan),
    ...(endOf(plan) ?? [
      `Recover to ${describeTarget(plan.setting)} on timeline ${String(plan.timeline)}, at least to LSN ${plan.mustReach}`,
      ...endSteps(plan),
    ]),
  ];
}

function offlineStep({ offline }: Unprinted): readonly string[] {
  if (offline === undefined) return [];
  const { state, isLogMinimal } = offline;
  const what = `Begin at the redo pointer of pg_control: the set is of a closed instance (${state}) and has no backup_label`;
  return [isLogMinimal ? `${what}; with wal_level = minimal it opens on its own timeline` : what];
}

const begin = (plan: Unprinted): readonly string[] =>
  plan.ways?.isDelta === true ? beginDelta(plan) : beginInPlace(plan);

const beginInPlace = (plan: Unprinted): readonly string[] => [
  `Prove that no server runs on ${plan.place.directory} and that it holds the cluster ${plan.systemId}`,
  'Save the log that was not archived yet into the pool',
  `Move ${plan.place.directory} aside; it is kept beside its place`,
  ...Object.values(plan.tablespaceMap).map(
    (path) =>
      `Move ${path} aside if it is a tablespace of the old instance and holds nothing else, else prove that it is empty`,
  ),
];

/** An incremental is laid over its bases: each byte is written once, from the newest set that has it. */
function chainStep({ chain, fetchBytes }: Unprinted): readonly string[] {
  if (chain.length < 2) return [];
  const names = chain.map(({ setId, type }) => `${setId} (${type})`).join(', ');
  return [`Read the chain ${names}: at most ${bytesText(fetchBytes)} with the log`];
}

function logStep(plan: Unprinted): string {
  const [first] = plan.segments;
  const last = plan.segments.slice(-1)[0];
  const histories = Object.keys(plan.histories).length;
  const files = histories === 0 ? '' : ` and ${String(histories)} history files`;
  if (first === undefined || last === undefined) return `Put the log inside the set${files} into place`;
  return `Put ${String(plan.segments.length)} log segments (${first.name} to ${last.name})${files} into place`;
}

function endSteps(plan: Unprinted): readonly string[] {
  if (!plan.isOpenedAfter) return ['Close the server, recovered and not promoted'];
  if (plan.place.kind === 'copy')
    return ['Open the copy on a private socket, with archiving, replication and job schedulers off'];
  return [
    'Open the database on a new timeline with its own settings',
    'Prove that the first log of the new timeline is archived',
  ];
}
