import type { z } from 'zod';
import type { SetSummary } from '#core/backup/set-summary.ts';
import { bytesText } from '#core/bytes-text.ts';
import type { setWithChain } from '#api/pools/set-chain.ts';
import { tableOf, timeText } from '#api/cli/terminal.ts';

type Row = z.output<typeof setWithChain>;

/** More findings than these are counted only. */
const mostFindings = 10;

/** One set in words: where it begins and ends (D-013…D-018), what it builds on, what builds on it. */
export function setText(row: Row): string {
  const { tablespaces, warnings } = row.summary;
  return [
    tableOf(['FACT', 'VALUE'], [...factsOf(row), ...saidFacts(row)]),
    ...tablespaces.map((one) => `tablespace ${String(one.oid)} at ${one.path}`),
    ...warnings.map((one) => `${one.code}: ${one.detail}`),
    ...chainText(row),
    ...(row.verifyReport?.damage ?? []).slice(0, mostFindings).map(({ object, what }) => `DAMAGE ${object}: ${what}`),
    ...(row.unusable === undefined ? [] : [`CANNOT BE RESTORED: ${row.unusable}`]),
    ...(row.missingLog === undefined
      ? []
      : [`CANNOT BE RESTORED YET: ${row.missingLog}; back up the log into this pool`]),
  ].join('\n');
}

/** What people said about a set, each in a few words. */
export function wordsOf({ name, labels, isHeld, pin, isQuarantined }: Row['standing']): string[] {
  return [
    ...(name === '' ? [] : [`"${name}"`]),
    ...labels,
    ...(isHeld ? ['held'] : []),
    ...(pin === undefined ? [] : [`pinned ${pin.until === undefined ? 'for good' : `until ${timeText(pin.until)}`}`]),
    ...(isQuarantined ? ['QUARANTINED'] : []),
  ];
}

const saidFacts = ({ standing }: Row): string[][] => [
  ...(wordsOf(standing).length === 0 ? [] : [['marks', wordsOf(standing).join(', ')]]),
  ...(standing.annotation === '' ? [] : [['annotation', standing.annotation]]),
];

function factsOf({ id, resourceName, pools, verifiedAt, verifyReport, summary, lockedUntil }: Row): string[][] {
  const damage = verifyReport?.damageCount ?? verifyReport?.damage.length ?? 0;
  const depth = verifyReport?.depth ?? 'full';
  const verdict = damage === 0 ? `sound (${depth})` : `${String(damage)} findings (${depth})`;
  return [
    ['set', id],
    ['type', typeWords(summary)],
    ...originFacts(summary),
    ['ended', `${timeText(summary.endedAt)} (began ${timeText(summary.beganAt)})`],
    ['begin LSN', `${summary.beginLsn} in ${summary.beginSegment}`],
    ['end LSN', `${summary.endLsn} in ${summary.endSegment}`],
    ['BAK_END_LSN', summary.backupEndLsn],
    ['consistent', consistency(summary.isConsistent)],
    ['timeline', `${String(summary.timeline)}, branch ${summary.branchId}`],
    ['database', `${summary.engine} ${String(summary.serverVersion)}, system id ${summary.systemId}`],
    ['resource', resourceName],
    ['size', `${bytesText(summary.rawBytes)} in ${String(summary.fileCount)} files`],
    ['stored', `${bytesText(summary.storedBytes)} in ${String(summary.pieceCount)} pieces`],
    ['pools', pools.map(({ name }) => name).join(', ')],
    ...(lockedUntil === undefined ? [] : [['protected', `nobody can delete it before ${timeText(lockedUntil)}`]]),
    ['checksums', summary.hasChecksums ? 'on' : 'off'],
    ['encrypted', summary.isEncrypted ? 'yes' : 'no'],
    ['verified', verifiedAt === null ? 'never' : `${timeText(verifiedAt)}: ${verdict}`],
    ['run', `${summary.runId} by ${summary.toolVersion}`],
  ];
}

/** What a set builds on, or was made of. */
const originFacts = ({ base, mergedFrom }: SetSummary): string[][] => [
  ...(base === undefined
    ? []
    : [
        ['base', base.setId],
        ['changed pages', `by ${base.changedPages}, since ${base.beginLsn}`],
      ]),
  ...(mergedFrom === undefined ? [] : [['merged from', `${mergedFrom.setId} and all it builds on`]]),
];

/** The type of a set, of one of a closed instance how that was left, and that it holds no log (D-021). */
export const typeWords = ({
  type,
  offline,
  isConsistent,
}: Pick<SetSummary, 'type' | 'offline' | 'isConsistent'>): string => {
  const words = offline === undefined ? type : `${type}, offline (${offline.state})`;
  return isConsistent ? words : `${words}, without log`;
};

const consistency = (isConsistent: boolean): string =>
  isConsistent
    ? 'yes: it holds the log from its begin to its end'
    : 'no: it is restored only with log from the pool (D-021)';

const linkText = ({ id, type, endedAt, storedBytes }: Row['needs'][number]): string =>
  `  ${id}  ${type.padEnd(12)}  ${timeText(endedAt)}  ${bytesText(storedBytes)}`;

const chainText = ({ needs, neededBy }: Row): string[] => [
  ...(needs.length === 0 ? [] : ['builds on', ...needs.map(linkText)]),
  ...(neededBy.length === 0 ? [] : ['needed by', ...neededBy.map(linkText)]),
];
