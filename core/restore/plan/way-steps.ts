import type { RestorePlan } from './plan.ts';

type Unprinted = Omit<RestorePlan, 'steps'>;

/** How a restore begins that writes only what differs. */
export const beginDelta = (plan: Unprinted): readonly string[] => [
  `Prove that no server runs on ${plan.place.directory} and that it holds the cluster ${plan.systemId}`,
  'Save the log that was not archived yet into the pool',
  `THERE IS NO WAY BACK FROM HERE: take pg_control away first, then write over ${plan.place.directory}; nothing of the old files is kept`,
  ...Object.values(plan.tablespaceMap).map((path) => `Write over ${path} if it is a tablespace of the old instance`),
  'Remove every file that the set does not have, server logs below the data directory too',
  'Read every file and write only the pages that differ',
];

/** What is done with unreadable parts, and how files are proven. */
export const fileSteps = ({ ways = {} }: Unprinted): readonly string[] => [
  ...(ways.damageConsent === undefined
    ? []
    : ['Put zeros where the set cannot be read, and list each file and block: rows will be missing']),
  'Write backup_manifest, against which pg_verifybackup checks every file',
  ...(ways.provesFiles === true ? ['Have pg_verifybackup read every file before a server is started'] : []),
];

/** How a restore ends when a server is not started, or not promoted; undefined when it ends as usual. */
export function endOf({ ways = {} }: Unprinted): readonly string[] | undefined {
  if (ways.endsAs === 'files') return ['Start no server: the first start recovers to the point of this plan'];
  const { primary } = ways;
  if (primary === undefined) return undefined;
  return [
    `Open as a standby that follows ${primary.user}@${primary.host}:${String(primary.port)}, archiving and listening off`,
  ];
}
