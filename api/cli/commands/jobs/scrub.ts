import type { Command } from 'commander';
import { z } from 'zod';
import { bug, fail } from '#core/errors/fail.ts';
import { scrubCandidateShape } from '#core/settings/shape/scrub.ts';
import { bytesText } from '#core/bytes-text.ts';
import { listShape } from '#api/routes/words.ts';
import type { Cli, Said } from '#api/cli/cli.ts';
import { addVerb } from '#api/cli/cli.ts';
import { tableOf, timeText } from '#api/cli/terminal.ts';
import { startAndWatch, waitOptions, waitShape } from '#api/cli/commands/runs/run-words.ts';

const scrubShape = z.object({
  ...{ ...waitShape, pool: z.string(), depth: z.enum(['full', 'page']).default('full') },
  ...{ budget: z.string().optional(), resource: z.string().optional() },
  ...{ newFull: z.boolean().default(false), plan: z.boolean().default(false) },
});

/** One more verb of the noun `pool`. */
export function addScrubVerb(program: Command, cli: Cli): void {
  const noun = program.commands.find((command) => command.name() === 'pool');
  if (noun === undefined) throw bug('the command line has no noun pool');
  addVerb(noun, cli, {
    usage: 'scrub <pool>',
    title: 'read sets and log back, what nobody has looked at for longest first; exit code 7 when damage is found',
    options: {
      '--budget <size>': 'stored bytes after which it ends, e.g. 10GiB; the next scrub goes on there (everything)',
      '--depth <full|page>': 'full: every byte; page: page checksums of relation files too (full)',
      '--resource <resource>': 'only sets and log of this resource',
      '--new-full': 'damage that no later good full makes up for starts a full backup',
      '--plan': 'only list what it would look at, in that order, and known damage',
      ...waitOptions,
    },
    shape: scrubShape,
    act: (_cli, { pool, depth, budget, resource, newFull, plan, wait, timeout }, isJson) => {
      const path = `/api/v1/pools/${encodeURIComponent(pool)}/scrub`;
      const of = resource === undefined ? {} : { resource };
      if (plan) return listed(cli, path, of);
      const budgetBytes = budget === undefined ? {} : { budgetBytes: parseSize(budget) };
      const body = { depth, isFollowedByFull: newFull, ...budgetBytes, ...of };
      return startAndWatch(cli, { path, body, wait, timeout, isJson });
    },
  });
}

const units: Readonly<Record<string, number>> = { MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 };

/** `500MiB`, `10GiB`, `1.5TiB` → bytes. Throws `value_malformed`. */
export function parseSize(text: string): number {
  const [, count = '', unit = ''] = /^(\d+(?:\.\d+)?)\s?([MGT]iB)$/.exec(text.trim()) ?? [];
  const bytes = Math.round(Number(count) * (units[unit] ?? 0));
  if (bytes === 0) throw fail('value_malformed', { text, what: 'budget', expected: '500MiB, 10GiB or 1TiB' });
  return bytes;
}

async function listed(cli: Cli, path: string, of: { readonly resource?: string }): Promise<Said> {
  const query = new URLSearchParams(of).toString();
  const { data } = await (await cli.client()).get(listShape(scrubCandidateShape), `${path}${query && `?${query}`}`);
  const rows = data.map(({ kind, id, storedBytes, nextPiece, checkedAt, damage }) => [
    kind === 'set' ? id : `log ${id}`,
    bytesText(storedBytes),
    checkedAt === null ? 'never' : timeText(checkedAt),
    damage !== null ? `DAMAGED ${damage}` : nextPiece > 0 ? `goes on at piece ${String(nextPiece + 1)}` : '',
  ]);
  const text = rows.length === 0 ? 'The pool holds no set and no log.' : tableOf(['NEXT', 'STORED', 'READ', ''], rows);
  return { json: data, text };
}
