import type { Figures, Ratios } from './figures.ts';

/** One row of the goals (design §9) as a run of the bench found it. */
export interface Goal {
  readonly row: string;
  /** In words, with the version of the peer that it applies to where there are several. */
  readonly bar: string;
  /** Absent: this run did not measure it. */
  readonly found?: number;
  readonly verdict: 'met' | 'missed' | 'not measured';
}

interface Bar {
  readonly row: string;
  readonly limit: number;
  readonly unit: string;
  /** True: at least the limit; otherwise at most. */
  readonly isLeast?: boolean;
  readonly found: number | undefined;
}

/** Current pgBackRest, as the goals mean it; Debian 12 has 2.45. */
const currentVersion = [2, 59] as const;
const largestMiB = 300;
const largestOverheadSeconds = 1;

/** True for a pgBackRest of at least the version that the goals call current. */
export function isCurrent(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map((part) => Number.parseInt(part, 10));
  return major > currentVersion[0] || (major === currentVersion[0] && minor >= currentVersion[1]);
}

function barsOf(report: Figures, version: string): readonly Bar[] {
  const { ratios, lines, overhead } = report;
  const rssOf = (work: string): number | undefined => {
    const found = lines.filter((line) => line.contender === 'holdfast' && line.work === work);
    const values = found.flatMap(({ rssMiB }) => (rssMiB === undefined ? [] : [rssMiB]));
    return values.length === 0 ? undefined : Math.max(...values);
  };
  const peer = `pgBackRest ${version}`;
  const ratio = (row: string, name: keyof Ratios, limit: number): Bar => {
    return { row, limit, unit: `× ${peer}`, found: ratios[name] };
  };
  const memory = (row: string, work: string): Bar => {
    return { row, limit: largestMiB, unit: 'MiB', found: rssOf(work) };
  };
  return [
    ratio('full backup, time', 'full', isCurrent(version) ? 0.5 : 0.4),
    ratio('full backup, size', 'size', 1.05),
    ratio('restore, time', 'restore', 0.6),
    ratio('incremental after 2 000 transactions, engine time', 'incremental', 0.2),
    ratio('the same in a process that has just started', 'incrementalFresh', 0.2),
    ratio('incremental after 2 000 transactions, size', 'incrementalBytes', 0.6),
    { ...ratio('log, segments a second', 'logPush', 2), isLeast: true },
    ratio('20 000 relations, full', 'smallFiles', 0.5),
    memory('memory of a backup, 2 channels', 'full'),
    memory('memory of a restore, 2 channels', 'restore'),
    memory('memory of a log backup, 2 channels', 'log'),
    {
      row: 'a run above its engine',
      limit: largestOverheadSeconds,
      unit: 's',
      found: overhead?.aboveEngineSeconds,
    },
  ];
}

/** Every row that the bench can judge, with the bar that applies to the pgBackRest that was found. */
export function goalsOf(report: Figures): readonly Goal[] {
  const version = report.versions['pgbackrest'];
  return barsOf(report, version ?? 'not found').map(({ row, limit, unit, isLeast = false, found }): Goal => {
    const bar = `${isLeast ? '≥' : '≤'} ${String(limit)} ${unit}`;
    if (found === undefined) return { row, bar, verdict: 'not measured' };
    const isMet = isLeast ? found >= limit : found <= limit;
    return { row, bar, found, verdict: isMet ? 'met' : 'missed' };
  });
}
