import type { Command } from 'commander';
import { z } from 'zod';
import { poolShape } from '#catalog/pools/pools.ts';
import { fail } from '#core/errors/fail.ts';
import type { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { PoolPlace, PoolSecrets } from '#core/pool/pool-access.ts';
import { envName } from '#core/settings/registry.ts';
import { bytesText } from '#core/bytes-text.ts';
import { listShape } from '#api/routes/words.ts';
import { askSecret } from '#api/cli/ask-secret.ts';
import type { Cli } from '#api/cli/cli.ts';
import { addVerb } from '#api/cli/cli.ts';
import { tableOf } from '#api/cli/terminal.ts';
import { demandNewFile } from '#api/cli/typed-file.ts';
import { addPoolCopyVerb } from './pool-copy.ts';
import { addPoolKeyVerbs, fetchKit, writeKit } from './pool-keys.ts';

const probeShape = z.looseObject({ freeBytes: z.number().optional() });
const createShape = z.object({
  name: z.string(),
  host: z.string(),
  local: z.string().optional(),
  s3: z.string().optional(),
  bucket: z.string().default(''),
  region: z.string().default('us-east-1'),
  prefix: z.string().default(''),
  tls: z.boolean().default(true),
  encrypted: z.boolean().default(false),
  passphraseFile: z.string().optional(),
  attach: z.string().optional(),
  kit: z.string().optional(),
  immutable: z.coerce.number().int().min(1).max(36_500).optional(),
});
type CreateArgs = z.output<typeof createShape>;

export function addPoolCommands(program: Command, cli: Cli): void {
  const noun = program.command('pool').description('pools: where backup sets and log are kept');
  addVerb(noun, cli, {
    usage: 'ls',
    title: 'list pools',
    options: { '--ids': 'with the id of each pool; every command takes its name' },
    shape: z.object({ ids: z.boolean().default(false) }),
    act: async (_cli, { ids }) => {
      const { data } = await (await cli.client()).get(listShape(poolShape), '/api/v1/pools');
      const rows = data.map((pool) => [
        ...[pool.name, ...(ids ? [pool.id] : [])],
        ...[placeText(pool.place), wordsOf(pool)],
      ]);
      return { json: data, text: tableOf(['POOL', ...(ids ? ['ID'] : []), 'PLACE', 'PROTECTION'], rows) };
    },
  });
  addVerb(noun, cli, {
    usage: 'create <name>',
    title: 'create a pool, or attach one that exists',
    options: {
      '--host <host>': 'host that creates it; a local pool lies there',
      '--local <path>': 'directory on that host',
      '--s3 <endpoint:port>': 'S3 service; keys from HOLDFAST_S3_ACCESS_KEY and HOLDFAST_S3_SECRET_KEY',
      '--bucket <bucket>': 'existing bucket',
      '--region <region>': 'region of the bucket (us-east-1)',
      '--prefix <prefix/>': 'key prefix inside the bucket',
      '--immutable <days>': 'nobody can delete an object of the pool for so long; needs a bucket with object lock',
      '--no-tls': 'speak plain HTTP to the S3 service',
      '--encrypted': 'encrypt with a passphrase: without it no set of the pool can ever be read',
      '--passphrase-file <file>': 'file that holds the passphrase',
      '--attach <pool id>': 'the pool exists; its id is in holdfast.json',
      '--kit <file>': 'write the recovery kit into this new file; that of an encrypted pool is printed otherwise',
    },
    shape: createShape,
    act: async (_cli, args) => {
      if (args.kit !== undefined) await demandNewFile({ option: '--kit', file: args.kit });
      const secrets = await secretsOf(cli, args);
      const attached = args.attach === undefined ? {} : { poolId: args.attach };
      const body = { name: args.name, host: args.host, place: placeOf(args), secrets, ...attached };
      const pool = await (await cli.client()).post(poolShape, '/api/v1/pools', body);
      const ready = `Pool ${pool.name} (${pool.id}) at ${placeText(pool.place)} is ready.`;
      return { json: pool, text: [ready, ...(await kitLines(cli, pool, args))].join('\n') };
    },
  });
  addRemoveVerb(noun, cli);
  addPoolCopyVerb(noun, cli);
  addPoolKeyVerbs(noun, cli);
  addVerb(noun, cli, {
    usage: 'test <pool>',
    title: 'write, read and remove a probe object',
    shape: z.object({ pool: z.string() }),
    act: async (_cli, { pool }) => {
      const probe = await (await cli.client()).post(probeShape, `/api/v1/pools/${encodeURIComponent(pool)}/test`);
      const free = probe.freeBytes === undefined ? '' : `, ${bytesText(probe.freeBytes)} free`;
      return { json: probe, text: `Pool ${pool} works${free}.` };
    },
  });
}

function addRemoveVerb(noun: Command, cli: Cli): void {
  addVerb(noun, cli, {
    usage: 'rm <pool>',
    title: 'take a pool that holds nothing out of the catalog; its place is not touched',
    shape: z.object({ pool: z.string() }),
    act: async (_cli, { pool }) => {
      const gone = await (await cli.client()).remove(poolShape, `/api/v1/pools/${encodeURIComponent(pool)}`);
      const text = `Pool ${gone.name} is removed. Its place is as it was: ${placeText(gone.place)}; its id was ${gone.id}, for \`pool create --attach\`.`;
      return { json: gone, text };
    },
  });
}

/** What is said of the recovery kit of a new pool. */
async function kitLines(cli: Cli, pool: z.output<typeof poolShape>, { kit }: CreateArgs): Promise<readonly string[]> {
  if (kit === undefined && !pool.isEncrypted) return [];
  const { text } = await fetchKit(cli, pool.id);
  if (kit === undefined) return ['', text];
  await writeKit({ option: '--kit', file: kit }, text);
  return [`Its recovery kit is in ${kit}. Keep it apart from the pool.`];
}

function placeOf(args: CreateArgs): PoolPlace {
  const { local, s3, immutable } = args;
  const refused = (expected: string) =>
    fail('value_malformed', { text: s3 ?? local ?? '', what: 'place of a pool', expected });
  if (local !== undefined && s3 !== undefined) throw refused('either --local <path> or --s3 <endpoint:port>');
  if (local === undefined) return s3Place(args, () => refused('either --local <path> or --s3 <endpoint:port>'));
  if (immutable !== undefined) throw refused('--s3 <endpoint:port> with --immutable');
  return { kind: 'local', directory: local };
}

function s3Place(
  { s3 = '', bucket, region, prefix, tls, immutable }: CreateArgs,
  refused: () => HoldfastError,
): PoolPlace {
  const [, endpoint, port] = /^([A-Za-z0-9.-]+)(?::(\d{1,5}))?$/.exec(s3) ?? [];
  if (endpoint === undefined) throw refused();
  const standardPort = tls ? 443 : 80;
  return {
    ...{ kind: 's3', endpoint, port: port === undefined ? standardPort : Number(port) },
    ...{ isTls: tls, region, bucket, prefix },
    ...(immutable === undefined ? {} : { immutableDays: immutable }),
  };
}

async function secretsOf(
  { terminal, settings }: Cli,
  { s3, encrypted, passphraseFile }: CreateArgs,
): Promise<PoolSecrets> {
  const { s3AccessKey: accessKey, s3SecretKey: secretKey } = settings;
  if (s3 !== undefined && (accessKey === undefined || secretKey === undefined)) {
    throw fail('password_missing', { what: 'S3 key', how: `${envName('s3AccessKey')} and ${envName('s3SecretKey')}` });
  }
  const keys =
    s3 !== undefined && accessKey !== undefined && secretKey !== undefined ? { s3: { accessKey, secretKey } } : {};
  if (!encrypted && passphraseFile === undefined) return keys;
  const passphrase = await askSecret(terminal, {
    what: 'passphrase of the pool',
    file: passphraseFile,
    fromEnv: settings.passphrase,
    envName: envName('passphrase'),
    fileFlag: '--passphrase-file',
  });
  return { ...keys, passphrase };
}

/** How it keeps what lies in it. */
function wordsOf({ isEncrypted, place }: z.output<typeof poolShape>): string {
  const days = place.kind === 's3' ? place.immutableDays : undefined;
  const kept = days === undefined ? '' : `, immutable for ${String(days)} days`;
  return `${isEncrypted ? 'encrypted' : 'plain'}${kept}`;
}

const placeText = (place: PoolPlace): string =>
  place.kind === 'local'
    ? place.directory
    : `s3://${place.endpoint}:${String(place.port)}/${place.bucket}/${place.prefix}`;
