import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { NativeConnection } from '@temporalio/worker';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { serverSettings } from '#core/settings/server-settings.ts';
import type { Folder } from '#tests/support/folder.ts';
import { openFolder } from '#tests/support/folder.ts';
import { temporalAddress } from '#tests/support/temporal.ts';
import type { TlsDoor } from '#tests/support/tls-door.ts';
import { openKeyDoor, openTlsDoor, tlsFile } from '#tests/support/tls-door.ts';
import type { TemporalPlace } from './connect.ts';
import { connectionOptions, openTemporalClient } from './connect.ts';
import { payloadKeyOf } from './payload-key.ts';
import { temporalPlaceOf } from './temporal-place.ts';

let door: TlsDoor;
let folder: Folder;
beforeAll(async () => {
  door = await openTlsDoor(await temporalAddress());
  folder = openFolder();
});
afterAll(async () => {
  await door.close();
  folder.remove();
});

const placeOf = (address: string, given: Readonly<Record<string, string>>): TemporalPlace => {
  const settings = serverSettings.parse({
    home: '/nowhere',
    catalogUrl: 'postgresql://nobody@localhost/none',
    ...given,
  });
  return temporalPlaceOf({ address, namespace: 'default' }, settings);
};
const trusted = { temporalTlsCa: tlsFile('ca.pem'), temporalTlsServerName: 'temporal.test' };
const proven = { ...trusted, temporalTlsCert: tlsFile('client.pem'), temporalTlsKey: tlsFile('client.key') };

/** The state of the namespace by the client's own connection. */
const asked = async (place: TemporalPlace): Promise<string> => {
  const client = openTemporalClient(place, payloadKeyOf(randomBytes(32)));
  try {
    const { namespaceInfo } = await client.withDeadline(Date.now() + 5000, () =>
      client.workflowService.describeNamespace({ namespace: 'default' }),
    );
    return namespaceInfo?.name ?? '';
  } finally {
    await client.connection.close();
  }
};

test('client and worker reach a Temporal that asks for a certificate, and only with one', async () => {
  const place = placeOf(door.address, proven);
  expect(await asked(place)).toBe('default');
  const worker = await NativeConnection.connect(connectionOptions(place));
  await worker.close();
  await expect(asked(placeOf(door.address, trusted))).rejects.toThrow();
  await expect(NativeConnection.connect(connectionOptions(placeOf(door.address, trusted)))).rejects.toThrow();
  await expect(asked(placeOf(door.address, { ...proven, temporalTlsServerName: 'other.test' }))).rejects.toThrow();
});

test('an API key goes out as a bearer token, over TLS only, and a new one is taken without a restart', async () => {
  const keys = await openKeyDoor();
  const file = join(folder.path, 'api.key');
  const write = (key: string): void => {
    writeFileSync(file, `${key}\n`, { mode: 0o600 });
  };
  write('first-key');
  const place = placeOf(keys.address, { ...trusted, temporalApiKeyFile: file });
  expect(placeOf('localhost:1', { temporalApiKeyFile: file }).tls).toBeDefined();
  await expect(asked(place)).rejects.toThrow();
  write('second-key');
  await expect(asked(place)).rejects.toThrow();
  await NativeConnection.connect(connectionOptions(place)).catch(() => undefined);
  expect([...keys.seen].sort()).toEqual(['Bearer first-key', 'Bearer second-key']);
  await keys.close();
});

test('a certificate without its key, and a file that is not there, are refused with the name of the setting', () => {
  expect(() => placeOf('localhost:1', { temporalTlsCert: tlsFile('client.pem') })).toThrow('HOLDFAST_TEMPORAL_TLS_KEY');
  expect(() => placeOf('localhost:1', { temporalTlsCa: '/nowhere/ca.pem' })).toThrow('/nowhere/ca.pem');
});
