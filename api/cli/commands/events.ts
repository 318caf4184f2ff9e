import { setTimeout as wait } from 'node:timers/promises';
import type { Command } from 'commander';
import { z } from 'zod';
import type { HoldfastEvent } from '#core/notice/event.ts';
import { eventTypes } from '#core/notice/event-type.ts';
import { eventShape } from '#core/settings/shape/event.ts';
import { listShape } from '../../routes/words.ts';
import type { Cli } from '../cli.ts';
import { addVerb } from '../cli.ts';
import { apiPatienceMs, isAway } from '../patience.ts';
import { timeText } from '../terminal.ts';

const shape = z.object({
  types: z.string().optional(),
  resource: z.string().optional(),
  run: z.string().optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
  follow: z.boolean().default(false),
});
type Args = z.output<typeof shape>;

/** `holdfast events`. */
export function addEventsCommand(program: Command, cli: Cli): void {
  addVerb(program, cli, {
    usage: 'events',
    title: 'what happened: ends of runs, gaps in log, hosts that went away, targets that were missed',
    options: {
      '--types <types>': 'only these: problems, run.*, rpo.breached, …; separated by commas',
      '--resource <resource>': 'only of this resource',
      '--run <run>': 'only of this run',
      '--limit <n>': 'the newest 1 to 200 (50)',
      '--follow': 'go on with what happens, until Ctrl-C',
    },
    shape,
    act: async (_cli, args, isJson) => {
      const client = await cli.client();
      const query = queryOf({ ...args, limit: String(args.limit) });
      const { data } = await client.get(listShape(eventShape), `/api/v1/events?${query}`);
      const oldestFirst = data.toReversed();
      const say = (event: HoldfastEvent): void => {
        cli.terminal.out(isJson ? JSON.stringify(event) : eventLine(event));
      };
      if (!args.follow && isJson) return { json: oldestFirst, text: '' };
      oldestFirst.forEach(say);
      if (args.follow) await follow(cli, args, { after: data[0]?.seq ?? 0, say });
      return undefined;
    },
  });
}

const queryOf = ({ types, resource, run, ...rest }: Partial<Omit<Args, 'limit'>> & Record<string, unknown>): string => {
  const { limit, after } = rest;
  const given = Object.entries({ types, resource, run, limit, after }).flatMap(([key, value]) =>
    typeof value === 'string' ? [[key, value] as const] : [],
  );
  return new URLSearchParams(Object.fromEntries(given)).toString();
};

/** Between two attempts to follow. */
const againMs = 700;

/** After a break it goes on behind the last event; an API that stays away ends it. */
async function follow(
  cli: Cli,
  args: Args,
  { after, say }: { readonly after: number; readonly say: (event: HoldfastEvent) => void },
): Promise<void> {
  const client = await cli.client();
  const seen = { seq: after, atMs: cli.clock.nowMs() };
  const { interrupt } = cli;
  const ended = new Promise<void>((resolve) => {
    interrupt.addEventListener('abort', () => {
      resolve();
    });
  });
  const isOver = (): boolean => interrupt.aborted;
  while (!isOver()) {
    const path = `/api/v1/events/stream?${queryOf({ ...args, limit: undefined, after: String(seen.seq) })}`;
    const reading = client.follow(path, (_name, data) => {
      const event = eventShape.parse(JSON.parse(data));
      seen.seq = event.seq;
      seen.atMs = cli.clock.nowMs();
      say(event);
    });
    await Promise.race([
      reading.catch((error: unknown) => {
        if (!isAway(error) || cli.clock.nowMs() - seen.atMs > apiPatienceMs) throw error;
      }),
      ended,
    ]);
    if (!isOver()) await Promise.race([wait(againMs), ended]);
  }
}

/** One event in one line. */
export function eventLine({ at, type, data, runId, setId }: HoldfastEvent): string {
  const named = ['resource', 'host', 'pool', 'channel']
    .map((key) => data[key])
    .find((name) => typeof name === 'string');
  const parts = [
    eventTypes[type].title,
    ...(typeof data['kind'] === 'string' ? [data['kind']] : []),
    ...(named === undefined ? [] : [`of ${named}`]),
    ...(runId === undefined ? [] : [runId]),
    ...(setId === undefined || runId !== undefined ? [] : [setId]),
  ];
  const why = typeof data['message'] === 'string' ? `: ${data['message']}` : '';
  return `${timeText(at)} ${type.padEnd(23)} ${parts.join(' ')}${why}`;
}
