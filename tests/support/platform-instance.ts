import { join } from 'node:path';
import pg from 'pg';
import { bug } from '#core/errors/fail.ts';
import type { EmbeddedPostgres } from '#scripts/supervisor/embedded-postgres.ts';
import type { Stack } from '#scripts/supervisor/stack.ts';
import { openStack } from '#scripts/supervisor/stack.ts';
import type { StackOptions } from '#scripts/supervisor/stack-parts.ts';
import { answerDumpTool, makeKingbaseTools } from './kingbase-tools.ts';
import { connectKingbase } from './kingbase-template.ts';
import { openKingbase } from './kingbase.ts';
import type { Postgres } from './postgres.ts';
import { layEmbedded, openPostgres } from './postgres.ts';

const asked = process.env['HOLDFAST_TEST_PG'] ?? '18';

/** Whether the instances of this project of tests are shimmed KingbaseES: `HOLDFAST_TEST_PG` is `kingbase`. */
export const isKingbase = asked === 'kingbase';

/** PostgreSQL of the instances of a test project: 18, or 15 when `HOLDFAST_TEST_PG` says so. */
export const platformMajor = asked === '15' ? 15 : 18;

/** The engine of the instances of a test project, for titles. */
export const engineTitle = isKingbase ? 'KingbaseES V9 (shimmed)' : `PostgreSQL ${String(platformMajor)}`;

/** Database that every instance of the project has from its beginning, and that a login goes to. */
export const firstDatabase = isKingbase ? 'test' : 'postgres';

/** What a story asks of the instance that it backs up, whatever its engine. */
export type PlatformInstance = Pick<
  EmbeddedPostgres,
  | 'folder'
  | 'programs'
  | 'dataDirectory'
  | 'archiveDirectory'
  | 'socketDirectory'
  | 'port'
  | 'user'
  | 'password'
  | 'connect'
>;

/** Another instance of the same engine, which archives. */
export const openSpare = (): Promise<Postgres> =>
  isKingbase
    ? openKingbase({ engine: 'kingbase-v9', archive: true })
    : openPostgres({ major: platformMajor, archive: true });

/** A connection to a server of the engine that is reached by its socket alone, for example a copy that a restore left open. */
export async function connectTo(place: Pick<PlatformInstance, 'socketDirectory' | 'port' | 'user' | 'password'>) {
  const { socketDirectory: socket, port, user, password } = place;
  if (isKingbase) return connectKingbase({ socket, port, user, database: firstDatabase });
  const client = new pg.Client({ host: socket, port, user, password, database: firstDatabase });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

export interface StackWithInstance {
  readonly stack: Stack;
  readonly instance: PlatformInstance;
  /** Ends every process and removes what the instance left. */
  close(): Promise<void>;
}

/** A stack and the instance that it backs up: PostgreSQL of its own, or a shimmed KingbaseES beside it. */
export async function openStackWithInstance(options: StackOptions): Promise<StackWithInstance> {
  await layEmbedded(18, join(options.home, 'catalog'));
  if (isKingbase) return openBesideKingbase(options);
  await layEmbedded(options.instanceMajor ?? platformMajor, join(options.home, 'instance'));
  const stack = await openStack({ instanceMajor: platformMajor, ...options });
  const { instance } = stack.places;
  if (instance === undefined) throw bug('the stack has an instance');
  return { stack, instance, close: () => stack.close() };
}

async function openBesideKingbase(options: StackOptions): Promise<StackWithInstance> {
  const { instanceConfig: config = [], ...rest } = options;
  const kingbase = await openKingbase({ engine: 'kingbase-v9', archive: true, isChinese: true, config });
  try {
    await answerDumpTool(kingbase, ['test', 'security']);
    const programs = [kingbase.programs, await makeKingbaseTools(kingbase.folder)].join(':');
    const parts = options.parts.filter((part) => part !== 'demo-instance');
    const stack = await openStack({ ...rest, parts, env: { ...rest.env, HOLDFAST_POSTGRES_BIN: programs } });
    const close = async (): Promise<void> => {
      await stack.close();
      await kingbase.close();
    };
    return { stack, instance: { ...kingbase, programs }, close };
  } catch (error) {
    await kingbase.close();
    throw error;
  }
}
