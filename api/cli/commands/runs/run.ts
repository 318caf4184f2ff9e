import { setTimeout as wait } from 'node:timers/promises';
import type { Command } from 'commander';
import { z } from 'zod';
import type { RunEvent } from '#catalog/runs/runs.ts';
import { runEventShape, runShape } from '#catalog/runs/runs.ts';
import { idShape } from '#core/settings/shape/words.ts';
import { bytesText } from '#core/bytes-text.ts';
import { listShape } from '#api/routes/words.ts';
import type { Cli } from '#api/cli/cli.ts';
import { addVerb } from '#api/cli/cli.ts';
import { apiPatienceMs, isAway } from '#api/cli/patience.ts';
import { tableOf, timeText } from '#api/cli/terminal.ts';
import { liveRunShape } from '#api/cli/watch-run.ts';
import { hookOptions, hookShape, hooksOf } from '#api/cli/commands/jobs/hook-words.ts';
import { reconnectOf, reconnectOptions, reconnectShape } from '#api/cli/commands/jobs/limit-words.ts';
import { addRunControl } from './run-control.ts';
import { addRetryVerb } from './run-retry.ts';
import { keptLines, openerOf, runText, startAndWatch, waitOptions, waitShape, watched } from './run-words.ts';

const oneRun = z.object({ run: idShape('run') });

export function addRunCommands(program: Command, cli: Cli): void {
  const noun = program.command('run').description('runs: one execution each');
  addReading(noun, cli);
  addLogs(noun, cli);
  addVerb(noun, cli, {
    usage: 'watch <run>',
    title: 'watch a run to its end; the exit code is that of its error',
    options: { '--timeout <seconds>': 'give up watching after this long (exit code 6)' },
    shape: oneRun.extend({ timeout: z.coerce.number().positive().optional() }),
    act: (_cli, { run, timeout }, isJson) => watched(cli, { id: run, timeout, isJson }),
  });
  addVerb(noun, cli, {
    usage: 'cancel <run>',
    title: 'cancel a run; what it began is cleaned up',
    shape: oneRun,
    act: async (_cli, { run }) => {
      const answer = await (await cli.client()).post(runShape, `/api/v1/runs/${run}/cancel`);
      return { json: answer, text: `Run ${run} is asked to stop.` };
    },
  });
  addRunControl(noun, cli);
  addRetryVerb(noun, cli);
  addVerb(noun, cli, {
    usage: 'noop <host>',
    title: 'run nothing on a host: proves the way from here to the agent and back',
    options: { '--seconds <n>': 'how long it takes (0)', ...hookOptions, ...reconnectOptions, ...waitOptions },
    shape: z.object({
      ...waitShape,
      ...hookShape,
      ...reconnectShape,
      host: z.string(),
      seconds: z.coerce.number().int().default(0),
    }),
    act: (_cli, { host, seconds, wait, timeout, ...args }, isJson) => {
      const body = { kind: 'no-op', host, seconds, ...hooksOf(args), ...reconnectOf(args.reconnect) };
      return startAndWatch(cli, { path: '/api/v1/runs', body, wait, timeout, isJson });
    },
  });
}

function addReading(noun: Command, cli: Cli): void {
  addVerb(noun, cli, {
    usage: 'ls',
    title: 'list runs, newest first',
    options: {
      '--state <state>': 'only runs in this state',
      '--resource <resource>': 'only of this resource',
      '--limit <n>': '1 to 200 (50)',
    },
    shape: z.object({
      state: z.string().optional(),
      resource: z.string().optional(),
      limit: z.coerce.number().int().default(50),
    }),
    act: async (_cli, { state, resource, limit }) => {
      const query = new URLSearchParams({
        limit: String(limit),
        ...(state === undefined ? {} : { state }),
        ...(resource === undefined ? {} : { resource }),
      });
      const { data } = await (await cli.client()).get(listShape(runShape), `/api/v1/runs?${query.toString()}`);
      const rows = data.map((run) => [
        ...[run.id, run.kind, run.resourceName ?? `(host ${run.hostName ?? '-'})`, run.state],
        ...[timeText(run.createdAt), timeText(run.closedAt), run.jobName],
      ]);
      return { json: data, text: tableOf(['RUN', 'KIND', 'RESOURCE', 'STATE', 'CREATED', 'CLOSED', 'JOB'], rows) };
    },
  });
  addVerb(noun, cli, {
    usage: 'show <run>',
    title: 'show a run with its progress and the link to Temporal Web',
    shape: oneRun,
    act: async (_cli, { run }) => {
      const client = await cli.client();
      const live = await client.get(liveRunShape, `/api/v1/runs/${run}`);
      const { progress, detail, temporalUrl } = live;
      const lines = [
        runText(live.run, await openerOf(client, live.run)),
        ...keptLines(live),
        ...(detail === undefined ? [] : [`now      ${detail}`]),
        ...(progress === undefined
          ? []
          : [
              `progress ${progress.phase}: read ${bytesText(progress.bytesRead)}, written ${bytesText(progress.bytesWritten)} of ${bytesText(progress.bytesTotal)}`,
            ]),
        ...(temporalUrl === undefined ? [] : [`temporal ${temporalUrl}`]),
      ];
      return { json: live, text: lines.join('\n') };
    },
  });
}

function addLogs(noun: Command, cli: Cli): void {
  addVerb(noun, cli, {
    usage: 'logs <run>',
    title: 'print the log of a run',
    options: { '--follow': 'go on until the run ends' },
    shape: oneRun.extend({ follow: z.boolean().default(false) }),
    act: async (_cli, { run, follow }, isJson) => {
      const say = (line: RunEvent): void => {
        cli.terminal.out(
          isJson ? JSON.stringify(line) : `${timeText(line.at)} ${line.level.padEnd(5)} ${line.message}`,
        );
      };
      await (follow ? followLog(cli, run, say) : printLog(cli, run, say));
      return undefined;
    },
  });
}

const pageLines = 500;
/** Between two attempts to follow a log. */
const againMs = 700;

async function printLog(cli: Cli, run: string, say: (line: RunEvent) => void): Promise<void> {
  const client = await cli.client();
  for (let after = 0; ;) {
    const { data } = await client.get(
      listShape(runEventShape),
      `/api/v1/runs/${run}/logs?after=${String(after)}&limit=${String(pageLines)}`,
    );
    data.forEach(say);
    after = data[data.length - 1]?.seq ?? after;
    if (data.length < pageLines) return;
  }
}

/** Until the server says that the run is over; after a break it goes on behind the last line. */
async function followLog(cli: Cli, run: string, say: (line: RunEvent) => void): Promise<void> {
  const client = await cli.client();
  // Why asked first: an API that never answered is not waited for.
  await client.get(liveRunShape, `/api/v1/runs/${run}`);
  const seen = { after: 0, isOver: false, atMs: cli.clock.nowMs() };
  const isOver = (): boolean => seen.isOver;
  while (!isOver()) {
    await client
      .follow(`/api/v1/runs/${run}/logs?after=${String(seen.after)}`, (name, data) => {
        seen.atMs = cli.clock.nowMs();
        if (name === 'end') seen.isOver = true;
        if (name !== 'line') return;
        const line = runEventShape.parse(JSON.parse(data));
        seen.after = line.seq;
        say(line);
      })
      .catch((error: unknown) => {
        if (!isAway(error) || cli.clock.nowMs() - seen.atMs > apiPatienceMs) throw error;
      });
    if (!isOver()) await wait(againMs);
  }
}
