import { createHash, createPublicKey, verify } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../supervisor/program.ts';
import { isSabotaged } from './sabotage.ts';
import type { Stage } from './stage.ts';

const timeoutMs = 150_000;
/** Outside of the demo's folder, which goes with the demo. */
const reportFolder = join(projectRoot, 'dist', 'demo');
/** Checks of the drill without which it would prove little. */
const demanded = ['opens', 'identity', 'reached', 'apart', 'pages', 'canary', 'static-tables', 'sql: ledger'];

export interface Drill {
  readonly isPassed: boolean;
  readonly rtoSeconds: number;
  /** The page that prints well; the signed JSON and the public key lie beside it. */
  readonly page: string;
}

/** From now on each log backup writes a row that a drill must find, and counts a table that keeps its rows. */
export async function enableCanary({ client, resource }: Stage): Promise<void> {
  await client.put(`/resources/${resource}/canary`, { staticTables: ['public.customer'] });
}

interface Signed {
  readonly text: string;
  readonly sha256: string;
  readonly signature: string;
}

interface Told {
  readonly isPassed: boolean;
  readonly rto: { readonly seconds: number };
  readonly checks: readonly { readonly name: string; readonly verdict: string; readonly detail: string }[];
}

/**
 * Restores the newest set with all log to a scratch instance. The drill counts the ledger on the copy, the demo on the
 * source, which nobody has written to since the last log backup.
 */
export async function drill(stage: Stage): Promise<Drill> {
  const { client, resource } = stage;
  const expected = await countLedger(stage);
  const sql = [{ name: 'ledger', database: 'postgres', statement: 'select count(*) from ledger', expected }];
  const { id } = await client.post<{ id: string }>('/drills', { resource, channels: 2, checks: { sql } });
  const { run } = await client.untilFinal(id, timeoutMs);
  const signed = await client.get<Signed>(`/drills/${id}/report`);
  const told = JSON.parse(signed.text) as Told;
  const passed = told.checks.filter(({ verdict }) => verdict === 'passed').map(({ name }) => name);
  const failed = told.checks.filter(({ verdict }) => verdict === 'failed');
  stage.checks.compare(
    'drill-passes',
    { isPassed: true, missing: [], failed: [] },
    { isPassed: told.isPassed, missing: demanded.filter((name) => !passed.includes(name)), failed },
    `${String(passed.length)} checks of a scratch instance, ${expected} commits of the ledger among them, run ${run.state}`,
  );
  return { isPassed: told.isPassed, rtoSeconds: told.rto.seconds, page: await keepReport(stage, id, signed) };
}

/** What the source holds; nobody has written to it since the last log backup. */
async function countLedger(stage: Stage): Promise<string> {
  if (isSabotaged(stage, 'drill-passes')) await stage.sql.query(`insert into ledger (note) values ('sabotage')`);
  const { rows } = await stage.sql.query<{ n: string }>('select count(*)::text as n from ledger');
  return rows[0]?.n ?? '';
}

/** Writes page, signed report and key, then checks the file without Holdfast: hash and signature over its very bytes. */
async function keepReport(stage: Stage, run: string, signed: Signed): Promise<string> {
  const { client, checks } = stage;
  mkdirSync(reportFolder, { recursive: true });
  const file = (name: string): string => join(reportFolder, name);
  const { publicKey } = await client.get<{ publicKey: string }>('/drills/public-key');
  const text = isSabotaged(stage, 'drill-report-is-signed') ? signed.text.replace('"passed"', '"failed"') : signed.text;
  writeFileSync(file('drill-report.json'), JSON.stringify({ ...signed, text }));
  writeFileSync(file('drill-report.pem'), publicKey);
  writeFileSync(file('drill-report.html'), await client.text(`/drills/${run}/report.html`));
  const kept = JSON.parse(readFileSync(file('drill-report.json'), 'utf8')) as Signed;
  const bytes = Buffer.from(kept.text);
  const isSigned = verify(null, bytes, createPublicKey(publicKey), Buffer.from(kept.signature, 'base64'));
  checks.compare(
    'drill-report-is-signed',
    { sha256: kept.sha256, isSigned: true, run },
    {
      sha256: createHash('sha256').update(bytes).digest('hex'),
      isSigned,
      run: (JSON.parse(kept.text) as { runId: string }).runId,
    },
    'hash and signature of the written report, by the public key alone',
  );
  return file('drill-report.html');
}
