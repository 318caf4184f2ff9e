import type { Command } from 'commander';
import { z } from 'zod';
import { timelineShape } from '#core/settings/shape/timeline.ts';
import { listShape } from '../../routes/words.ts';
import type { Cli } from '../cli.ts';
import { addVerb } from '../cli.ts';
import { durationText } from '../progress-text.ts';
import { outlookShape } from './drills/drill-standing.ts';
import { tableOf, timeText } from '../terminal.ts';

const poolTimelineShape = z.looseObject({
  poolName: z.string(),
  timeline: timelineShape,
  excluded: z.array(z.looseObject({ setId: z.string(), reason: z.string() })),
  damagedLog: z.array(z.string()).default([]),
});
type PoolTimeline = z.output<typeof poolTimelineShape>;

export function addTimelineCommand(program: Command, cli: Cli): void {
  addVerb(program, cli, {
    usage: 'timeline <resource>',
    title: 'every point a resource can be restored to, and every gap',
    shape: z.object({ resource: z.string() }),
    act: async (_cli, { resource }) => {
      const path = `/api/v1/resources/${encodeURIComponent(resource)}/timeline`;
      const client = await cli.client();
      const { data } = await client.get(listShape(poolTimelineShape), path);
      if (data.length === 0) return { json: data, text: 'No backup set and no log yet.' };
      const outlook = await client.get(outlookShape, `/api/v1/resources/${encodeURIComponent(resource)}/drill-outlook`);
      const texts = data.map((one) => timelineText(one, cli.clock.nowMs()));
      return { json: data, text: [...texts, ...outlookLines(outlook)].join('\n\n') };
    },
  });
}

/** What the last passed drill says of a recovery now. */
const outlookLines = ({ predictedRtoSeconds, isStale }: z.output<typeof outlookShape>): string[] => {
  if (predictedRtoSeconds === undefined) return [];
  const old = isStale ? '; no drill has passed for longer than the policy allows' : '';
  return [
    `RECOVERY to the latest point takes about ${durationText(Math.ceil(predictedRtoSeconds))}, by the last drill${old}`,
  ];
};

function timelineText({ poolName, timeline, excluded, damagedLog }: PoolTimeline, nowMs: number): string {
  const windows = timeline.windows.map((one) => [
    one.setId,
    String(one.timeline),
    `${timeText(one.from.at)} (${one.from.lsn})`,
    `${timeText(one.to.at)} (${one.to.lsn})`,
  ]);
  const gaps = timeline.branches.flatMap((branch) =>
    branch.gaps.map(({ from, to, isBreak }) =>
      isBreak === true
        ? `BREAK on timeline ${String(branch.timeline)}: log from ${from} on is of another time than the log before it`
        : `GAP on timeline ${String(branch.timeline)}: log from ${from} to ${to} is missing`,
    ),
  );
  return [
    `pool ${poolName}: covered until ${timeText(timeline.coveredUntil)}${behindText(timeline.coveredUntil, nowMs)}, last commit ${timeText(timeline.lastCommit)}`,
    tableOf(['SET', 'TIMELINE', 'FROM', 'TO'], windows),
    ...furthestLines(timeline),
    ...gaps,
    ...damagedLog.map((object) => `DAMAGED ${object}: found by a scrub, not used`),
    ...excluded.map(({ setId, reason }) => `NOT USED ${setId}: ${reason}`),
  ].join('\n');
}

/** How far each recovery branch can be followed, and from which set. */
const furthestLines = ({ furthest, currentBranchId }: PoolTimeline['timeline']): string[] =>
  furthest.map(({ timeline, branchId, setId, to }) => {
    const is = branchId === currentBranchId ? ' (current)' : '';
    return `FURTHEST on timeline ${String(timeline)}${is}: ${timeText(to.at)} (${to.lsn}) from ${setId}`;
  });

/** What a loss of the host now would cost at most: the measured RPO. */
function behindText(coveredUntil: string | undefined, nowMs: number): string {
  if (coveredUntil === undefined) return '';
  const seconds = Math.max(0, Math.round((nowMs - Date.parse(coveredUntil)) / 1000));
  return ` (${durationText(seconds)} behind)`;
}
