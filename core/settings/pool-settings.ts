import { z } from 'zod';
import type { PoolAccess, PoolPlace, PoolSecrets } from '../pool/pool-access.ts';
import { field } from './field.ts';
import { idShape, pathShape } from './shape/words.ts';

const since = '0.1';

const localPlace = z.object({
  kind: z.literal('local'),
  directory: field(pathShape, {
    title: 'Directory',
    description: 'Absolute path on the one host that serves the pool',
    since,
  }),
});

const s3Place = z.object({
  kind: z.literal('s3'),
  endpoint: field(z.string().min(1).max(253), {
    title: 'Endpoint',
    description: 'Host name of the S3 service, without scheme',
    since,
  }),
  port: field(z.number().int().min(1).max(65535), { title: 'Port', description: 'TCP port of the S3 service', since }),
  isTls: field(z.boolean(), { title: 'TLS', description: 'Speak HTTPS to the S3 service', since }),
  region: field(z.string().max(60), { title: 'Region', description: 'Region of the bucket, e.g. us-east-1', since }),
  bucket: field(z.string().min(3).max(63), { title: 'Bucket', description: 'Existing bucket', since }),
  prefix: field(
    z.string().regex(/^([A-Za-z0-9._-]+\/)*$/, 'it must be folders that each end with /, such as backup/main/'),
    {
      title: 'Prefix',
      description: 'Key prefix inside the bucket, empty or ending in /',
      since,
    },
  ),
  immutableDays: field(z.number().int().min(1).max(36_500), {
    title: 'Immutable',
    description: 'Days for which nobody can delete or change an object of the pool (S3 Object Lock, mode compliance)',
    unit: 'days',
    since,
  }).exactOptional(),
});

/** Where the objects of a pool lie. */
export const poolPlaceShape: z.ZodType<PoolPlace> = z.discriminatedUnion('kind', [localPlace, s3Place]);

export const poolSecretsShape: z.ZodType<PoolSecrets> = z.object({
  s3: z
    .object({
      accessKey: field(z.string().min(1), {
        title: 'Access key',
        description: 'S3 access key id',
        since,
        isSecret: true,
      }),
      secretKey: field(z.string().min(1), {
        title: 'Secret key',
        description: 'S3 secret access key',
        since,
        isSecret: true,
      }),
    })
    .exactOptional(),
  passphrase: field(z.string().min(8), {
    title: 'Passphrase',
    description: 'Present exactly when the pool is encrypted; without it no set of the pool can ever be read',
    since,
    isSecret: true,
  }).exactOptional(),
  nextPassphrase: field(z.string().min(8), {
    title: 'Next passphrase',
    description: 'The one that is going to hold while the key of the pool is rotated; set by the server',
    since,
    isSecret: true,
  }).exactOptional(),
});

export const poolAccessShape: z.ZodType<PoolAccess> = z.looseObject({
  poolId: idShape('pool'),
  name: z.string(),
  place: poolPlaceShape,
  secrets: poolSecretsShape,
});
