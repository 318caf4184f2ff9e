import { randomBytes } from 'node:crypto';
import { provideMinio } from '#scripts/servers/minio.mjs';
import { startMinio } from '#scripts/supervisor/minio.ts';
import { openFolder } from './folder.ts';

export interface Minio {
  /** host of the S3 endpoint, no scheme. */
  readonly endPoint: string;
  readonly port: number;
  readonly accessKey: string;
  readonly secretKey: string;
  /** Where objects lie as files, for tests that damage them. */
  readonly folder: string;
  kill(): Promise<void>;
  start(): Promise<void>;
  close(): Promise<void>;
}

/** A bucket of a MinIO as a bench wants its pool. */
export const bucketOf = ({ endPoint, port, accessKey, secretKey }: Minio, bucket: string) => ({
  place: { kind: 's3' as const, endpoint: endPoint, port, isTls: false, region: 'us-east-1', bucket, prefix: '' },
  secrets: { s3: { accessKey, secretKey } },
});

/** A real MinIO of its own on a free port. Buckets are the caller's. */
export const openMinio = async (): Promise<Minio> => {
  const program = await provideMinio();
  const place = openFolder('hf-minio-');
  const folder = place.path;
  const keys = { accessKey: 'holdfast', secretKey: randomBytes(16).toString('hex') };
  let server = await startMinio({ program, folder, ...keys });
  const { port } = server;
  return {
    ...{ endPoint: '127.0.0.1', port, folder, ...keys },
    kill: () => server.child.kill(),
    start: async () => {
      server = await startMinio({ program, folder, port, ...keys });
    },
    close: async () => {
      await server.child.stop();
      place.remove();
    },
  };
};
