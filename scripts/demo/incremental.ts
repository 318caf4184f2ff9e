import { join } from 'node:path';
import type { Client } from 'pg';
import { fail } from '#core/errors/fail.ts';
import { incrementalCopyFolder } from './left-folders.ts';
import { mebibytes } from './print.ts';
import type { Incremental } from './proof.ts';
import { openedCopy } from './recovery.ts';
import { isSabotaged } from './sabotage.ts';
import type { SetFacts } from './scenes.ts';
import { factsOf, piecesOf, sumBytes } from './scenes.ts';
import type { Stage } from './stage.ts';
import { connectCopy } from './stage.ts';
import { stopCopy } from './stop-copy.ts';
import type { TableProof } from './workload.ts';
import { proveTables } from './workload.ts';

const timeoutMs = 150_000;

/** A differential backup: only what changed since the newest set. */
export async function backUpIncremental(stage: Stage, tables: readonly TableProof[]): Promise<Incremental> {
  const { resource, pool, client, source } = stage;
  const options = { channels: 2, archiveDirectory: source.archiveDirectory };
  const body = { kind: 'incremental-backup', type: 'differential', resource, pool, options };
  const { id } = await client.post<{ id: string }>('/runs', body);
  const live = await client.untilFinal(id, timeoutMs);
  const { state, outcome } = live.run;
  const cause = outcome?.message ?? JSON.stringify(outcome);
  // A source of changed pages that is not there is a warning: the next one was used.
  if (state !== 'succeeded' && state !== 'warned') throw fail('demo_run_failed', { run: id, state, cause });
  const set = await factsOf(stage, live);
  const told = outcome?.result?.['changedPages'];
  const changedPages = typeof told === 'string' ? told : 'none: it became a full';
  stage.options.say(`  ${mebibytes(set.storedBytes)} stored, changed pages by ${changedPages}`);
  return { set, changedPages, tables };
}

/** Less than this share of the full's stored bytes is what the changes of the demo may take. */
const smallShare = 0.25;

/** Restores the backup state of the incremental; its content is compared with what the source said, its size with the pool's listing. */
export async function proveIncremental(stage: Stage, { set, tables }: Incremental, full: SetFacts): Promise<void> {
  const directory = join(stage.folder, incrementalCopyFolder);
  const { id } = await stage.client.post<{ id: string }>('/restores', {
    resource: stage.resource,
    target: { at: 'immediate', setId: set.id },
    place: { kind: 'copy', directory },
    options: { channels: 2, tablespaceMap: spacesIn(set, `${directory}-tablespace`) },
  });
  const { socket, port } = openedCopy(await stage.client.untilDone(id, timeoutMs));
  const sql = await connectCopy(stage, socket, port);
  try {
    if (isSabotaged(stage, 'incremental-restores')) await damage(sql);
    const [own, whole] = await Promise.all([piecesOf(stage, set.id), piecesOf(stage, full.id)]);
    const share = sumBytes(own) / sumBytes(whole);
    stage.checks.compare(
      'incremental-restores',
      { tables, isSmall: true },
      { tables: await proveTables(sql), isSmall: share < smallShare },
      `content hashes of ${String(tables.length)} tables, from ${(share * 100).toFixed(1)} % of the full's bytes in the pool`,
    );
  } finally {
    await sql.end();
    await stopCopy(directory);
  }
}

const damage = (sql: Client): Promise<unknown> => sql.query(`update customer set note = 'sabotage' where id = 1`);

const spacesIn = ({ tablespaces }: SetFacts, directory: string): Record<string, string> =>
  Object.fromEntries(tablespaces.map(({ oid }) => [String(oid), directory]));
