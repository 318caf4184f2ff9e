import { mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { Client } from 'minio';

export interface PoolObject {
  readonly key: string;
  readonly bytes: number;
}

/** The pool's own word on what it holds, read past Holdfast: the second source of the demo's checks. */
export interface PoolView {
  list(prefix: string): Promise<readonly PoolObject[]>;
  read(key: string): Promise<Buffer>;
  /** For sabotage only. */
  write(key: string, body: Buffer): Promise<void>;
  /** For sabotage only. */
  remove(key: string): Promise<void>;
}

const filesBelow = (folder: string): string[] =>
  readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesBelow(path) : [path];
  });

/** Objects of a local pool are files; half-written ones have a dot or a suffix that no key has. */
export const viewLocalPool = (directory: string): PoolView => ({
  list: (prefix) => {
    const all = filesBelow(directory).map((path) => ({ key: relative(directory, path), path }));
    const wanted = all.filter(({ key }) => key.startsWith(prefix) && !/(^|\/)[.]|[.]tmp/.test(key));
    // Why: an agent at work may remove between the listing and our look.
    const bytesOf = (path: string): number | undefined => statSync(path, { throwIfNoEntry: false })?.size;
    const found = wanted.map(({ key, path }) => ({ key, bytes: bytesOf(path) }));
    return Promise.resolve(found.flatMap(({ key, bytes }) => (bytes === undefined ? [] : [{ key, bytes }])));
  },
  read: (key) => Promise.resolve(readFileSync(join(directory, key))),
  write: (key, body) => {
    mkdirSync(dirname(join(directory, key)), { recursive: true });
    writeFileSync(join(directory, key), body);
    return Promise.resolve();
  },
  remove: (key) => {
    rmSync(join(directory, key));
    return Promise.resolve();
  },
});

export interface BucketAddress {
  readonly endPoint: string;
  readonly port: number;
  readonly accessKey: string;
  readonly secretKey: string;
  readonly bucket: string;
}

/** Makes the bucket when needed. */
export const viewBucket = async ({ bucket, ...address }: BucketAddress): Promise<PoolView> => {
  const client = new Client({ ...address, useSSL: false });
  if (!(await client.bucketExists(bucket))) await client.makeBucket(bucket);
  return {
    list: async (prefix) => {
      const objects: PoolObject[] = [];
      for await (const item of client.listObjectsV2(bucket, prefix, true) as AsyncIterable<{
        name?: string;
        size: number;
      }>) {
        if (item.name !== undefined) objects.push({ key: item.name, bytes: item.size });
      }
      return objects;
    },
    read: async (key) => buffer(await client.getObject(bucket, key)),
    write: async (key, body) => {
      await client.putObject(bucket, key, body);
    },
    remove: (key) => client.removeObject(bucket, key),
  };
};
