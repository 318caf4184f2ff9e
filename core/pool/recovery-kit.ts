import type { PoolId } from '../id.ts';
import type { Instant } from '../instant.ts';
import type { PoolPlace } from './pool-access.ts';

/** An object of a pool that must not be lost, as it lies there. */
export interface KitObject {
  readonly key: string;
  readonly text: string;
}

/** What the agent finds in the pool for its kit: `holdfast.json` first, then every later key. No secret is in it. */
export interface KitFacts {
  readonly createdAt: Instant;
  readonly format: number;
  readonly isEncrypted: boolean;
  /** Number of the key that is in force; 1 when it was never rotated, 0 in plain pools. */
  readonly keyVersion: number;
  readonly objects: readonly KitObject[];
}

/** What the catalog knows of it. */
export interface KitPool {
  readonly poolId: PoolId;
  readonly name: string;
  readonly place: PoolPlace;
  readonly toolVersion: string;
  readonly madeAt: Instant;
}

const placeLines = (place: PoolPlace): readonly string[] =>
  place.kind === 'local'
    ? [`  directory      ${place.directory} on the host that serves it`]
    : [
        `  S3 endpoint    ${place.isTls ? 'https' : 'http'}://${place.endpoint}:${String(place.port)} (region ${place.region})`,
        `  bucket         ${place.bucket}`,
        `  prefix         ${place.prefix === '' ? 'none' : place.prefix}`,
        ...(place.immutableDays === undefined
          ? []
          : [`  protection     ${String(place.immutableDays)} days per object (object lock)`]),
        '  access keys    not in this kit: ask who runs the storage',
      ];

/**
 * The recovery kit of a pool as text to print and keep: all that a restore without Holdfast needs, but the passphrase and the
 * access keys of the storage. The objects in it are copied byte for byte, so that they can be put back when the pool has lost
 * them: without their salts no passphrase opens it.
 */
export function recoveryKitText(pool: KitPool, facts: KitFacts): string {
  const { isEncrypted, objects, format, keyVersion, createdAt } = facts;
  const passphrase = isEncrypted
    ? `  encryption     AES-256-GCM; key ${String(keyVersion)} is in force, made by scrypt from the newest passphrase`
    : '  encryption     none: no passphrase is needed';
  return [
    'HOLDFAST RECOVERY KIT',
    '',
    'Keep this on paper or in a safe, apart from the pool. It does not hold the passphrase: keep that apart from both.',
    '',
    `  pool           ${pool.name}`,
    `  pool id        ${pool.poolId}`,
    `  created        ${createdAt}`,
    `  pool format    ${String(format)}`,
    ...placeLines(pool.place),
    passphrase,
    `  kit made       ${pool.madeAt} by Holdfast ${pool.toolVersion}`,
    '',
    'To restore with Holdfast (any installation, an empty catalog will do)',
    '',
    `  1. holdfast pool create ${pool.name} --attach ${pool.poolId} ${placeOption(pool.place)} --host <host>${isEncrypted ? ' --encrypted' : ''}`,
    `  2. holdfast catalog rebuild --pool ${pool.name} --wait`,
    '  3. holdfast set ls, then holdfast restore run --resource <resource> --latest --to <empty directory>',
    '',
    'To restore without Holdfast',
    '',
    '  1. Get the reference reader, the two files in docs/format-reader/ of the source of Holdfast (Apache-2.0), Node 20',
    '     or later, and in its directory: npm install zstd-napi',
    '  2. Have the pool as a directory: for S3 download everything below the prefix.',
    '  3. Set ids are the names below sets/ that have a file meta; the ids sort by time.',
    `  4. node read-set.mjs <pool directory> <set id> <empty directory>${isEncrypted ? ' <file with the newest passphrase>' : ''}`,
    '  5. Give the directory to the account of the server, mode 0700, keep backup_label, and start the server on it.',
    '     To go beyond the end of the backup, or when the set has tablespaces, read docs/format.md section 9.',
    '',
    'Objects of the pool without which it cannot be opened. If one is lost, put its line back as it is, with the line feed',
    'at its end:',
    '',
    ...objects.flatMap(({ key, text }) => [`  ${key}`, '', text.replace(/\n$/, ''), '']),
  ].join('\n');
}

const placeOption = (place: PoolPlace): string =>
  place.kind === 'local'
    ? `--local ${place.directory}`
    : `--s3 ${place.endpoint}:${String(place.port)} --bucket ${place.bucket}${place.prefix === '' ? '' : ` --prefix ${place.prefix}`}${place.isTls ? '' : ' --no-tls'}${place.immutableDays === undefined ? '' : ` --immutable ${String(place.immutableDays)}`}`;
