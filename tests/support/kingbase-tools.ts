import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { provideClientTools } from '#scripts/servers/postgres.mjs';
import type { Kingbase } from './kingbase.ts';
import { builds } from './kingbase.ts';

const programs = { sys_dump: 'pg_dump', sys_restore: 'pg_restore', ksql: 'psql' };

/**
 * Client programs under the names of KingbaseES that are those of PostgreSQL 16: they take the variables `KINGBASE_…` alone, reach
 * the socket under its own name, and leave the system catalog out, as the vendor's do.
 */
const script = (name: keyof typeof programs, folder: string): string => `#!/bin/sh
if [ "$1" = --version ]; then echo '${name} (KingbaseES) ${builds['kingbase-v9']}'; exit 0; fi
export PGHOST="$KINGBASE_HOST" PGPORT="$KINGBASE_PORT" PGUSER="$KINGBASE_USER" PGDATABASE="$KINGBASE_DATABASE" PGPASSWORD="$KINGBASE_PASSWORD"
host=$KINGBASE_HOST port=$KINGBASE_PORT before=
for word; do
  case $before in --host) host=$word ;; --port) port=$word ;; esac
  before=$word
done
[ -L "$host/.s.PGSQL.$port" ] || ln -s ".s.KINGBASE.$port" "$host/.s.PGSQL.$port" 2>/dev/null
exec '${join(folder, programs[name])}' ${name === 'sys_dump' ? '--exclude-schema=sys_catalog ' : ''}"$@"
`;

/** Writes the programs below a directory and returns their folder. */
export const makeKingbaseTools = async (directory: string): Promise<string> => {
  const folder = join(directory, 'Server', 'bin');
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  const original = await provideClientTools(16);
  for (const name of ['sys_dump', 'sys_restore', 'ksql'] as const) {
    writeFileSync(join(folder, name), script(name, original));
    chmodSync(join(folder, name), 0o755);
  }
  return folder;
};

/**
 * PostgreSQL's dump tool asks by PostgreSQL's name whether it talks to a standby; the vendor's own does not. Also in the template
 * that a transfer makes databases from.
 */
export const answerDumpTool = async (kingbase: Kingbase, databases: readonly string[]): Promise<void> => {
  await kingbase.sql('alter database template0 allow_connections true');
  for (const database of [...databases, 'template0']) {
    const client = await kingbase.connect(database);
    await client.query('alter function pg_catalog.hidden_is_in_recovery() rename to pg_is_in_recovery');
    await client.end();
  }
  await kingbase.sql('alter database template0 allow_connections false');
};
