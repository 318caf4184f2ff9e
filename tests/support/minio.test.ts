import { Client } from 'minio';
import { expect, test } from 'vitest';
import { openMinio } from './minio.ts';

test('a MinIO of its own keeps its objects over a crash', async () => {
  const minio = await openMinio();
  try {
    const client = new Client({ ...minio, useSSL: false });
    await client.makeBucket('one');
    await client.putObject('one', 'key', Buffer.from('value'));
    await minio.kill();
    await minio.start();
    expect((await client.statObject('one', 'key')).size).toBe(5);
  } finally {
    await minio.close();
  }
});
