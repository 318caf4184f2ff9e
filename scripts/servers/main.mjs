/** `node scripts/servers/main.mjs temporal minio pg15 tools`: fetches what is named and prints one path per line. */
import { provideMinio } from './minio.mjs';
import { provideClientTools, providePostgres } from './postgres.mjs';
import { provideTemporal } from './temporal.mjs';

/** @type {Record<string, () => Promise<string>>} */
const servers = {
  temporal: provideTemporal,
  minio: provideMinio,
  tools: () => provideClientTools(18),
  pg11: () => providePostgres(11),
  pg12: () => providePostgres(12),
  pg13: () => providePostgres(13),
  pg14: () => providePostgres(14),
  pg15: () => providePostgres(15),
  pg16: () => providePostgres(16),
  pg17: () => providePostgres(17),
  pg18: () => providePostgres(18),
};

for (const name of process.argv.slice(2)) {
  const provide = servers[name];
  if (provide === undefined) throw new Error(`${name} is unknown. Known: ${Object.keys(servers).join(', ')}.`);
  process.stdout.write(`${name} ${await provide()}\n`);
}
