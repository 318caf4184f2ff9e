import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Database } from '#catalog/database.ts';
import { openCatalog } from '#catalog/database.ts';
import { migrate } from '#catalog/migrate.ts';
import type { SeenNamespace } from '#catalog/temporal-home.ts';
import { adoptNamespace, demandSame, namespaceOfCatalog } from '#catalog/temporal-home.ts';
import { addApiToken, findApiToken } from '#catalog/tokens.ts';
import { formatId, parseId } from '#core/id.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { ServerSettings } from '#core/settings/server-settings.ts';
import { openTemporalClient } from '#wire/connect.ts';
import { openKeyFiles } from '#wire/key-files.ts';
import { catalogUrlOf } from '#wire/secret-text.ts';
import { temporalPlaceOf } from '#wire/temporal-place.ts';
import { makeBearer, parseBearer, sha256 } from './http/bearer.ts';
import { ensureReportKey } from './report-key.ts';
import { ensureEnrolmentFile } from './enrolment-file.ts';
import { createSecretFile, ensureKeyFile, readSecretFile } from './pools/key-files.ts';
import type { PreparedNamespace } from './temporal/prepare-namespace.ts';
import { prepareNamespace } from './temporal/prepare-namespace.ts';

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
  /** Files into which a new enrolment token was written. */
  readonly enrolment: readonly string[];
  /** What was done to the Temporal namespace, in words: it is best effort, the rest of init does not need it. */
  readonly temporal: string;
}

export interface InitOptions {
  /** Files that get a token each, with which one host enrols within a day. */
  readonly enrolmentFiles?: readonly string[];
  /** How long Temporal is waited for; absent: it is asked once and may be away. */
  readonly waitSeconds?: number | undefined;
  /** Takes the namespace although the catalog belongs to another one. */
  readonly adoptsNamespace?: boolean;
}

/**
 * `holdfast init`: keys, catalog, first administrator token, Temporal namespace. Idempotent; nothing that exists is
 * replaced. Throws `catalog_unreachable`, `migration_changed`, `catalog_newer`, `key_unsafe`, `temporal_namespace_foreign`,
 * and `temporal_unreachable` when it was to be waited for.
 */
export async function initialise(
  settings: ServerSettings,
  clock: Clock,
  { enrolmentFiles = [], waitSeconds, adoptsNamespace = false }: InitOptions = {},
): Promise<InitReport> {
  const files = homeFiles(settings.home);
  const madeKeys: string[] = [];
  for (const file of [files.masterKey, files.payloadKey]) if (await ensureKeyFile(file)) madeKeys.push(file);
  if (await ensureReportKey(files.reportKey)) madeKeys.push(files.reportKey);
  const catalog = openCatalog(catalogUrlOf(settings), 2);
  try {
    const migrations = await migrate(catalog);
    const adminToken = await ensureAdminToken(catalog, files.adminToken, clock);
    const enrolment: string[] = [];
    for (const file of enrolmentFiles) if (await ensureEnrolmentFile(catalog, file, clock)) enrolment.push(file);
    const { told } = await prepareTemporal({ settings, clock, catalog }, { waitSeconds, adoptsNamespace });
    const made = adminToken === undefined ? {} : { adminToken };
    return { migrations, madeKeys, adminTokenFile: files.adminToken, enrolment, temporal: told, ...made };
  } finally {
    await catalog.close();
  }
}

interface InitPorts {
  readonly settings: ServerSettings;
  readonly clock: Clock;
  readonly catalog: Database;
}

async function prepareTemporal(
  { settings, clock, catalog }: InitPorts,
  { waitSeconds, adoptsNamespace = false }: InitOptions,
): Promise<PreparedNamespace> {
  const where = { address: settings.temporalAddress, namespace: settings.temporalNamespace };
  const own = await namespaceOfCatalog(catalog);
  const demand = (seen: SeenNamespace | undefined): void => {
    if (!adoptsNamespace) demandSame(own, seen ?? { namespace: where.namespace, id: '' });
  };
  const client = openTemporalClient(temporalPlaceOf(where, settings), openKeyFiles(settings.home));
  try {
    const done = await prepareNamespace({ client, clock, demand, waitSeconds });
    if (done.seen !== undefined) await adoptNamespace(catalog, done.seen);
    return done;
  } finally {
    await client.connection.close();
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
