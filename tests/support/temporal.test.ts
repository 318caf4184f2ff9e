import { Client, Connection } from '@temporalio/client';
import { expect, test } from 'vitest';
import { openOwnTemporal, temporalAddress } from './temporal.ts';

const namespaceCount = async (address: string): Promise<number> => {
  const connection = await Connection.connect({ address });
  try {
    const client = new Client({ connection });
    return (await client.workflowService.listNamespaces({})).namespaces.length;
  } finally {
    await connection.close();
  }
};

test('all files of a run share one Temporal server', async () => {
  const address = await temporalAddress();
  expect(await temporalAddress()).toBe(address);
  expect(await namespaceCount(address)).toBeGreaterThan(0);
});

test('a Temporal server of its own comes back on its port after a crash', async () => {
  const temporal = await openOwnTemporal();
  try {
    await temporal.kill();
    await temporal.start();
    expect(await namespaceCount(temporal.address)).toBeGreaterThan(0);
  } finally {
    await temporal.close();
  }
});
