import { backUpIncremental, proveIncremental } from './incremental.ts';
import { drill, enableCanary } from './drill.ts';
import { backUpTable, bringTableBack, createShop, recoverDatabase, spoilShop } from './parts.ts';
import { mebibytes } from './print.ts';
import type { Proof } from './proof.ts';
import { proveCopy, recoverCopy, rememberMoment, verifySets } from './recovery.ts';
import { planRetention } from './retention.ts';
import { isSabotaged } from './sabotage.ts';
import { backUp, backUpLog, backUpThroughKill } from './scenes.ts';
import type { Stage } from './stage.ts';
import { timed } from './stage.ts';
import { commitToLedger, createSchema, fill, proveTables } from './workload.ts';

/**
 * Full backup → work → second full through a kill → incremental → log → two mistakes → recovery of a copy to the moment before
 * them → proof → the lost table from a logical set, the spoilt database to the moment → what retention would delete → a drill.
 */
export async function playStory(stage: Stage): Promise<Proof> {
  const { sql, options } = stage;
  options.say('Holdfast demo');
  await timed(stage, `fill PostgreSQL ${String(options.major)} with ${String(options.dataMiB)} MiB`, () =>
    fillSource(stage),
  );
  await enableCanary(stage);
  const first = await timed(stage, 'full backup', () => backUp(stage));
  options.say(`  ${mebibytes(first.rawBytes)} read, ${mebibytes(first.storedBytes)} stored`);
  await timed(stage, 'work before the second full', () => commitToLedger(sql, 'before the second full', 100));
  const killed = await timed(stage, 'second full backup, agent killed in the middle', () =>
    backUpThroughKill(stage, first),
  );
  await timed(stage, 'work after the second full', () => commitToLedger(sql, 'after the second full', 100));
  const tables = await proveTables(sql);
  const incremental = await timed(stage, 'incremental backup', () => backUpIncremental(stage, tables));
  await timed(stage, 'prove the incremental', () => proveIncremental(stage, incremental, killed.set));
  await timed(stage, 'log backup before the moment', () => backUpLog(stage));
  const table = await timed(stage, 'logical backup of a table', () => backUpTable(stage));
  await commitToLedger(sql, 'last good', 20);
  const moment = await timed(stage, 'remember the moment', () => rememberMoment(stage));
  await makeMistakes(stage);
  const log = await timed(stage, 'log backup', () => backUpLog(stage));
  const copy = await timed(stage, 'recover a copy to that moment', () => recoverCopy(stage, moment, killed.set));
  await timed(stage, 'prove the copy', () => proveCopy(stage, moment, copy));
  await timed(stage, 'logical restore of the table', () => bringTableBack(stage, table, moment));
  const database = await timed(stage, 'recover one database to that moment', () => recoverDatabase(stage, moment));
  await timed(stage, 'verify every set', () => verifySets(stage, { first, killed, incremental: incremental.set }));
  const retention = await timed(stage, 'plan the retention', () =>
    planRetention(stage, { first, second: killed.set, incremental: incremental.set }),
  );
  const drilled = await timed(stage, 'drill', () => drill(stage));
  return { first, killed, incremental, log, moment, copy, table, database, retention, drill: drilled };
}

/** Writers at once; more than two gain nothing on two cores. */
const writerCount = 2;

async function fillSource(stage: Stage): Promise<void> {
  const { sql, source, options, tablespaceDirectory } = stage;
  await createSchema(sql, tablespaceDirectory);
  await createShop(stage);
  const writers = await Promise.all(Array.from({ length: writerCount }, () => source.connect()));
  await fill(sql, writers, options.dataMiB).finally(() => Promise.all(writers.map((writer) => writer.end())));
}

/** Somebody drops a table, somebody spoils another database, and work goes on. */
async function makeMistakes(stage: Stage): Promise<void> {
  if (!isSabotaged(stage, 'mistake-happened')) await stage.sql.query('drop table invoice');
  await spoilShop(stage);
  await commitToLedger(stage.sql, 'after the mistake', 20);
}
