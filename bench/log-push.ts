import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { installArchiveScript } from '#agent/wal/archive/archive-script.ts';
import { fail } from '#core/errors/fail.ts';
import { productVersion } from '#core/version.ts';
import { giveToUnprivileged, unprivilegedUser } from '#scripts/supervisor/unprivileged.ts';
import type { Backrest } from './backrest.ts';
import { backrestLines, findBackrest } from './backrest.ts';
import type { BenchCluster } from './cluster.ts';
import type { Contender, Measured } from './contender.ts';
import { bytesBelow } from './contender.ts';
import { openEngine } from './engine.ts';
import { instanceOptions } from './holdfast.ts';
import type { Log } from './log-stage.ts';
import { layOutLog, markReady, segmentsPushed } from './log-stage.ts';
import type { Row } from './rounds.ts';
import { timed } from './timed.ts';

/** Calls an archive command for segment after segment, as the server does. */
function archiveAll({ data, names }: Log, command: string, env: BenchCluster['env']): ReturnType<typeof timed> {
  const loop = `for f in ${names.join(' ')}; do ${command} || exit 1; mv pg_wal/archive_status/$f.ready pg_wal/archive_status/$f.done; done`;
  const args = ['-c', `cd '${data}' && ${loop}`];
  return timed({ command: '/bin/sh', args, env, user: unprivilegedUser() });
}

/** One call a segment, or one that lets two processes push all that waits while the server goes on calling. */
function backrestPush(
  cluster: BenchCluster,
  log: Log,
  { backrest, isAsync }: { backrest: Backrest; isAsync: boolean },
) {
  const name = isAsync ? 'pgbackrest async' : 'pgbackrest';
  const options = `archive-push, zst 3${isAsync ? ', archive-async, process-max 2' : ''}`;
  return {
    ...{ name, version: backrest.version, options },
    async log(round: number): Promise<Measured> {
      const at = join(log.folder, `${isAsync ? 'async' : 'sync'}-${String(round)}`);
      for (const each of ['', 'repository', 'lock', 'spool', 'log']) {
        mkdirSync(join(at, each));
        giveToUnprivileged(join(at, each));
      }
      const config = join(at, 'pgbackrest.conf');
      const own = [...(isAsync ? ['archive-async=y'] : []), '[push]', `pg1-path=${log.data}`, ''];
      writeFileSync(config, [...backrestLines(at), ...own].join('\n'));
      giveToUnprivileged(config);
      const create = [`--config=${config}`, '--stanza=push', '--no-online', 'stanza-create'];
      await timed({ command: backrest.command, args: create, env: cluster.env, user: unprivilegedUser() });
      markReady(log);
      const push = `${backrest.command} --config=${config} --stanza=push archive-push pg_wal/$f`;
      const { ms, rssMiB } = await archiveAll(log, push, cluster.env);
      return { ms, rssMiB, storedBytes: bytesBelow(join(at, 'repository', 'archive')) };
    },
  } satisfies Contender;
}

/** Our archive script for each segment into a new archive directory; ms. */
async function runScript(
  cluster: BenchCluster,
  log: Log,
  { home, archive }: { readonly home: string; readonly archive: string },
): Promise<number> {
  mkdirSync(archive);
  giveToUnprivileged(archive);
  markReady(log);
  return (await archiveAll(log, `sh ${installArchiveScript(home, archive)} pg_wal/$f $f`, cluster.env)).ms;
}

/** The log backup alone, from an archive directory that is full; or with our archive script that fills it. */
function holdfastPush(cluster: BenchCluster, log: Log, hasScript: boolean) {
  const name = hasScript ? 'holdfast and script' : 'holdfast';
  const script = hasScript ? 'archive script for each segment, then ' : '';
  return {
    ...{ name, version: productVersion, options: `${script}log backup, zstd as "fast", every record checked` },
    async log(round: number): Promise<Measured> {
      const home = join(log.folder, `${hasScript ? 'script' : 'holdfast'}-${String(round)}`);
      const engine = await openEngine(home);
      const archive = hasScript ? join(log.folder, `archive-${String(round)}`) : log.archive;
      const before = hasScript ? await runScript(cluster, log, { home, archive }) : 0;
      const { ms, rssMiB, segments } = await engine.run({ action: 'log', ...instanceOptions(cluster), archive });
      if (segments !== segmentsPushed)
        throw fail('bench_not_comparable', { contender: name, why: `it stored ${String(segments)} segments` });
      return { ms: before + ms, rssMiB, storedBytes: bytesBelow(join(engine.poolDirectory, 'logs')) };
    },
  } satisfies Contender;
}

/** All that store log; ours first. */
export async function openLogContenders(cluster: BenchCluster): Promise<readonly Contender[]> {
  const log = await layOutLog(cluster);
  const backrest = await findBackrest();
  const peers =
    backrest === undefined ? [] : [true, false].map((isAsync) => backrestPush(cluster, log, { backrest, isAsync }));
  return [holdfastPush(cluster, log, false), holdfastPush(cluster, log, true), ...peers];
}

/** Segments a second in the middle of the rounds. */
export const segmentsPerSecond = (row: Row, medianMs: number): number | undefined =>
  row.work === 'log' ? Math.round((segmentsPushed / medianMs) * 10_000) / 10 : undefined;
