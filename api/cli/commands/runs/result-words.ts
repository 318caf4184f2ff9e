import { z } from 'zod';
import { instantShape } from '#core/settings/shape/words.ts';
import { bytesText } from '#core/bytes-text.ts';
import { timeText } from '#api/cli/terminal.ts';

const openedShape = z.looseObject({
  isOpen: z.literal(true),
  directory: z.string(),
  socket: z.string(),
  port: z.number(),
});
const recordShape = z.record(z.string(), z.unknown());

/** How a person opens what was restored. */
export interface Opener {
  readonly shell: string;
  readonly control: string;
  readonly user: string;
  readonly database: string;
}

interface Telling {
  /** Facts that are told elsewhere. */
  readonly except?: readonly string[];
  readonly opener?: Opener | undefined;
}

/** Told by the lines that say how to reach the database. */
const told = new Set(['isOpen', 'socket', 'port']);

/** Result of a run in words, a line for each fact: JSON is for `--json`. */
export function resultLines(result: unknown, { except = [], opener }: Telling = {}): readonly string[] {
  const facts = recordShape.safeParse(result);
  if (!facts.success) return result === undefined || result === null ? [] : [textOf('', result)];
  const opened = openedShape.safeParse(result);
  const known = Object.entries(facts.data).filter(
    ([name]) => !(opened.success && told.has(name)) && !except.includes(name),
  );
  const lines = known.flatMap(([name, value]) => {
    const text = textOf(name, value);
    return text === '' ? [] : [`${labelOf(name)}: ${text}`];
  });
  return [...(opened.success ? openLines(opened.data, opener) : []), ...lines];
}

const openLines = (
  { directory, socket, port }: z.output<typeof openedShape>,
  { shell, control, user, database }: Opener = {
    control: 'pg_ctl',
    shell: 'psql',
    user: 'postgres',
    database: 'postgres',
  },
): readonly string[] => [
  `open in ${directory}: ${shell} -h ${socket} -p ${String(port)} -U ${user} -d ${database}`,
  `stop it with ${control} -D ${directory} stop`,
];

/** `reachedLsn` → `reached LSN`. */
const labelOf = (name: string): string =>
  name
    .replace(/^is(?=[A-Z])/, '')
    .replace(/([a-z])(?=[A-Z])/g, '$1 ')
    .toLowerCase()
    .replace(/\b(lsn|id)\b/g, (word) => word.toUpperCase());

/** '' for what says nothing: an empty list, a value that is absent. */
function textOf(name: string, value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number') return /bytes/i.test(name) ? bytesText(value) : String(value);
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'string') return instantShape.safeParse(value).success ? timeText(value) : value;
  if (Array.isArray(value)) return value.map((one) => textOf(name, one)).join(', ');
  return Object.entries(value)
    .map(([part, inner]) => `${labelOf(part)} ${textOf(part, inner)}`)
    .join(', ');
}
