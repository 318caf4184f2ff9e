import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { openCatalog } from '#catalog/database.ts';
import { migrate } from '#catalog/migrate.ts';
import { addApiToken, findApiToken } from '#catalog/tokens.ts';
import { formatId, parseId } from '#core/id.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { ServerSettings } from '#core/settings/server-settings.ts';
import { openTemporalClient } from '#wire/connect.ts';
import { openKeyFiles } from '#wire/key-files.ts';
import { registerSearchAttributes } from '#wire/search-attributes.ts';
import { makeBearer, parseBearer, sha256 } from './bearer.ts';
import { ensureReportKey } from './report-key.ts';
import { createSecretFile, ensureKeyFile, readSecretFile } from './key-files.ts';

/** Files below the home of the control plane, each 0600. */
export const homeFiles = (home: string) => ({
  masterKey: join(home, 'master.key'),
  payloadKey: join(home, 'payload.key'),
  /** Signs reports of drills. */
  reportKey: join(home, 'report.key'),
  adminToken: join(home, 'admin.token'),
});

export interface InitReport {
  readonly migrations: readonly string[];
  readonly madeKeys: readonly string[];
  /** The first administrator token: present only the time it was made. */
  readonly adminToken?: string;
  readonly adminTokenFile: string;
  /** What was done to the Temporal namespace, in words: it is best effort, the rest of init does not need it. */
  readonly temporal: string;
}

/**
 * `holdfast init`: keys, catalog, first administrator token, Temporal namespace. Idempotent; nothing that exists is
 * replaced. Throws `catalog_unreachable`, `migration_changed`, `catalog_newer`, `key_unsafe`.
 */
export async function initialise(settings: ServerSettings, clock: Clock): Promise<InitReport> {
  const files = homeFiles(settings.home);
  const madeKeys: string[] = [];
  for (const file of [files.masterKey, files.payloadKey]) if (await ensureKeyFile(file)) madeKeys.push(file);
  if (await ensureReportKey(files.reportKey)) madeKeys.push(files.reportKey);
  const catalog = openCatalog(settings.catalogUrl, 2);
  try {
    const migrations = await migrate(catalog);
    const adminToken = await ensureAdminToken(catalog, files.adminToken, clock);
    const temporal = await prepareNamespace(settings, clock);
    const made = adminToken === undefined ? {} : { adminToken };
    return { migrations, madeKeys, adminTokenFile: files.adminToken, temporal, ...made };
  } finally {
    await catalog.close();
  }
}

/** The file first, then the row: whoever dies between the two finds the file and stores its row at the next init. */
async function ensureAdminToken(
  catalog: Parameters<typeof addApiToken>[0],
  file: string,
  clock: Clock,
): Promise<string | undefined> {
  const fresh = makeBearer('hf', formatId('tok', clock.nowMs(), randomBytes(10)));
  const isMade = await createSecretFile(file, fresh.text);
  const bearer = parseBearer('hf', await readSecretFile(file));
  if (bearer === undefined) return undefined;
  const id = parseId('tok', `tok_${bearer.idHex}`);
  if ((await findApiToken(catalog, id)) === undefined) {
    await addApiToken(catalog, {
      id,
      name: 'first administrator',
      role: 'administrator',
      sha256: sha256(bearer.secret),
    });
  }
  return isMade ? fresh.text : undefined;
}

const retentionMs = 30 * 86_400_000;

async function prepareNamespace(settings: ServerSettings, clock: Clock): Promise<string> {
  const place = { address: settings.temporalAddress, namespace: settings.temporalNamespace };
  const client = openTemporalClient(place, openKeyFiles(settings.home));
  try {
    return await client.connection.withDeadline(clock.nowMs() + 5000, () => registered(client, place.namespace));
  } catch (cause) {
    return `not prepared: ${cause instanceof Error ? cause.message : 'no reason given'}; run init again when Temporal is up`;
  } finally {
    await client.connection.close();
  }
}

async function registered(client: Client, namespace: string): Promise<string> {
  const { workflowService } = client;
  const known = await workflowService.describeNamespace({ namespace }).catch(() => undefined);
  if (known !== undefined) return `namespace ${namespace} is there; ${await attributesOf(client)}`;
  await workflowService.registerNamespace({ namespace, workflowExecutionRetentionPeriod: msToTs(retentionMs) });
  return `namespace ${namespace} made, history kept 30 days; ${await attributesOf(client)}`;
}

/** Runs are found by them in Temporal Web; without them everything else works. A namespace that was just made may need a moment. */
async function attributesOf(client: Client): Promise<string> {
  try {
    const added = await registerSearchAttributes(client);
    return added.length === 0 ? 'search attributes are there' : `search attributes added: ${added.join(', ')}`;
  } catch (cause) {
    return `search attributes not added: ${cause instanceof Error ? cause.message : 'no reason given'}; run init again`;
  }
}
