import { bytesText } from '#core/bytes-text.ts';
import type { Command } from 'commander';
import { z } from 'zod';
import { hostShape } from '#catalog/hosts.ts';
import { listShape } from '../../routes/words.ts';
import type { Cli } from '../cli.ts';
import { addVerb } from '../cli.ts';
import { tableOf, timeText } from '../terminal.ts';

const tokenShape = z.object({ token: z.string(), expiresAt: z.string() });

const shownPath = 20;

/** The disk with the least room; `--json` tells all. Only the end of a long path is shown, so that lines fit. */
function leastFree(disks: readonly { readonly path: string; readonly freeBytes: number }[]): string {
  const [least] = disks.toSorted((a, b) => a.freeBytes - b.freeBytes);
  if (least === undefined) return '-';
  const { path, freeBytes } = least;
  const shown = path.length > shownPath ? `…${path.slice(1 - shownPath)}` : path;
  return `${bytesText(freeBytes)} at ${shown}`;
}

export function addHostCommands(program: Command, cli: Cli): void {
  const noun = program.command('host').description('hosts: machines with an agent');
  addVerb(noun, cli, {
    usage: 'ls',
    title: 'list hosts with version, disks and instances',
    shape: z.object({}),
    act: async () => {
      const { data } = await (await cli.client()).get(listShape(hostShape), '/api/v1/hosts');
      const rows = data.map((host) => [
        host.name,
        host.isOnline ? 'online' : 'offline',
        host.agentVersion,
        timeText(host.reportedAt),
        String(host.report?.instances.length ?? 0),
        leastFree(host.report?.disks ?? []),
      ]);
      return { json: data, text: tableOf(['HOST', 'STATE', 'VERSION', 'REPORTED', 'INSTANCES', 'LEAST FREE'], rows) };
    },
  });
  addVerb(noun, cli, {
    usage: 'token',
    title: 'make a token that enrols one host, once',
    options: { '--name <name>': 'name the host will have', '--minutes <minutes>': 'valid for, 1 to 1440 (60)' },
    shape: z.object({ name: z.string().optional(), minutes: z.coerce.number().int().default(60) }),
    act: async (_cli, { name, minutes }) => {
      const body = { validMinutes: minutes, ...(name === undefined ? {} : { hostName: name }) };
      const made = await (await cli.client()).post(tokenShape, '/api/v1/hosts/enrolment-tokens', body);
      cli.terminal.err(
        `Valid until ${timeText(made.expiresAt)}; on the host: holdfast agent --enrol <file with it> --api <url>\n`,
      );
      return { json: made, text: made.token };
    },
  });
}
