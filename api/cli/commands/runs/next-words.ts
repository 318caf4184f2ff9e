import type { RunRow } from '#catalog/runs/runs.ts';
import { durationText } from '#api/cli/progress-text.ts';

/** How long a run took that is over. */
export function tookText({ beganAt, createdAt, closedAt }: RunRow): string | undefined {
  if (closedAt === null) return undefined;
  const seconds = Math.max(0, (Date.parse(closedAt) - Date.parse(beganAt ?? createdAt)) / 1000);
  return seconds < 1 ? 'less than 1 s' : durationText(seconds);
}

type Said = (run: RunRow & { readonly set: string; readonly resource: string }) => string;

const backup: Said = ({ set, resource }) =>
  `look: holdfast set show ${set} · prove: holdfast set verify ${set} --wait, or holdfast drill run --resource ${resource}`;

/** What people do after a run of a kind that ended well; nothing for the others. */
const afterGood: Readonly<Partial<Record<RunRow['kind'], Said>>> = {
  'full-backup': backup,
  'incremental-backup': backup,
  'merge-set': ({ set }) => `look: holdfast set show ${set}`,
  'log-backup': ({ resource }) => `see what can be recovered: holdfast timeline ${resource}`,
  'logical-backup': ({ set }) => `look: holdfast logical show ${set} · prove: holdfast logical verify ${set} --wait`,
  drill: ({ id }) => `read: holdfast drill show ${id} · keep: holdfast drill report ${id} --html --out <file>`,
};

/** How a run is followed that was started and not waited for. */
export const nextOfStarted = (id: RunRow['id']): string =>
  `follow: holdfast run watch ${id} · read along: holdfast run logs ${id} --follow · stop: holdfast run cancel ${id}`;

/** What to do next, as commands; undefined while a run goes on and where nothing follows. */
export function nextText(run: RunRow): string | undefined {
  const { id, state, kind, setId, resourceName } = run;
  if (state === 'failed') return `read: holdfast run logs ${id} · when it is mended: holdfast run retry ${id}`;
  if (state !== 'succeeded' && state !== 'warned') return undefined;
  return afterGood[kind]?.({ ...run, set: setId ?? '', resource: resourceName ?? '' });
}
