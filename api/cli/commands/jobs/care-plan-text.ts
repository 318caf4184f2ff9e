import type { CarePlan, LogVerdict, Reason, SetVerdict } from '#core/care/retention-plan.ts';
import { policyText } from '#core/care/policy.ts';
import { bytesText } from '#core/bytes-text.ts';
import { tableOf, timeText } from '#api/cli/terminal.ts';

const shownReasons = 2;

/** A plan as a person reads it: every set and every stretch of log with its fate and the reasons. */
export function planText(plan: CarePlan, command: string): string {
  const sets = [...plan.sets].reverse().map(setRow);
  const log = plan.log.map(logRow);
  const count = plan.sets.filter(({ isDeleted }) => isDeleted).length;
  const batches = plan.log.filter(({ isDeleted }) => isDeleted).flatMap((one) => one.batches).length;
  const isNothing = count + batches === 0;
  return [
    `plan    ${plan.planId}, made ${timeText(plan.madeAt)}`,
    ...(plan.policy === undefined || plan.kind === 'remove' ? [] : [`keeps   ${policyText(plan.policy)}`]),
    '',
    tableOf(['', 'SET', 'TYPE', 'ENDED', 'STORED', 'WHY'], sets),
    ...(log.length === 0 ? [] : ['', tableOf(['', 'LOG', '', 'KNOWN UNTIL', 'STORED', 'WHY'], log)]),
    ...(plan.kind === 'remove' ? [] : ['', logicalText]),
    '',
    isNothing
      ? 'Nothing is deleted.'
      : `To be deleted: ${counted(count, 'set')}, ${counted(batches, 'batch', 'batches')} of log, ${bytesText(plan.deletedBytes)}; by:  ${command}`,
  ].join('\n');
}

/** Retention is for what a recovery builds on; logical sets stand alone, and their number is decided per job. */
const logicalText =
  'Logical sets are apart from this plan and stay: see `holdfast logical ls`; `holdfast logical rm --keep <n>` shows which would go.';

const counted = (n: number, one: string, many = `${one}s`): string => `${String(n)} ${n === 1 ? one : many}`;
const fate = (isDeleted: boolean): string => (isDeleted ? 'DELETE' : 'keep');

const setRow = ({ setId, type, endedAt, storedBytes, isDeleted, reasons }: SetVerdict): string[] => [
  ...[fate(isDeleted), setId, type, timeText(endedAt), bytesText(storedBytes), reasonText(reasons)],
];

const logRow = (one: LogVerdict): string[] => [
  ...[fate(one.isDeleted), `timeline ${String(one.timeline)}`, `${one.from} to ${one.to}`],
  ...[timeText(one.coveredUntil), bytesText(one.storedBytes), reasonText(one.reasons)],
];

function reasonText(reasons: readonly Reason[]): string {
  const shown = reasons.slice(0, shownReasons).map(({ detail }) => detail);
  const more = reasons.length - shown.length;
  return more > 0 ? `${shown.join('; ')}; and ${String(more)} more` : shown.join('; ');
}
