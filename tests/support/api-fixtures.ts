import { addHost } from '#catalog/hosts.ts';
import { addJob } from '#catalog/jobs.ts';
import { addPool } from '#catalog/pools/pools.ts';
import { registerResource, storeLogin } from '#catalog/resources/resources.ts';
import type { NewRun } from '#catalog/runs/runs.ts';
import { addRun, moveRun } from '#catalog/runs/runs.ts';
import type { DiscoveredInstance } from '#core/agent/inspection.ts';
import type { HostId, PoolId, ResourceId, RunId } from '#core/id.ts';
import { makeBearer } from '#api/http/bearer.ts';
import { readKeyFile } from '#api/pools/key-files.ts';
import { loginOwner, poolOwner } from '#api/starts/orders.ts';
import { openVault } from '#api/pools/vault.ts';
import type { TestApi } from './api.ts';
import { testIds } from './catalog.ts';
import { sampleSystemId } from './samples.ts';

/** Passphrase of every pool that is made here. */
export const poolSecret = 'correct horse battery staple';

export const instanceIn = (directory: string, systemId = sampleSystemId): DiscoveredInstance => ({
  ...{ engine: 'postgresql', dataDirectory: directory, port: 5432, socket: '/tmp', serverMajor: 18 },
  ...{ systemId, isRunning: true },
});

/** A host as if its agent had enrolled, with its key. */
export async function newHost(api: TestApi, name: string): Promise<{ id: HostId; key: string }> {
  const id = testIds('host');
  const key = makeBearer('hfh', id);
  await addHost(api.store.catalog, { id, name, hostname: name, agentVersion: '0.1.0', keySha256: key.sha256 });
  return { id, key: key.text };
}

/** A resource that somebody has logged in to. */
export async function newResource(
  api: TestApi,
  { name, hostId, systemId }: { name: string; hostId: HostId; systemId?: string },
): Promise<ResourceId> {
  const found = instanceIn(`/${name}`, systemId);
  const id = await registerResource(api.store.catalog, { id: testIds('res'), hostId, name, found });
  const sealedPassword = (await vaultOf(api)).seal('password of it', loginOwner(id));
  await storeLogin(api.store.catalog, id, { user: 'postgres', database: 'postgres', sealedPassword });
  return id;
}

interface PoolWish {
  readonly directory?: string;
  readonly isPlain?: boolean;
}

/** A local pool of a host, encrypted unless told otherwise; nothing is made at its place. */
export async function newPool(
  api: TestApi,
  name: string,
  hostId: HostId,
  { directory = `/pools/${name}`, isPlain = false }: PoolWish = {},
): Promise<PoolId> {
  const id = testIds('pool');
  const secrets = isPlain ? {} : { passphrase: poolSecret };
  const sealedSecrets = (await vaultOf(api)).seal(JSON.stringify(secrets), poolOwner(id));
  const place = { kind: 'local' as const, directory };
  await addPool(api.store.catalog, { id, name, place, isEncrypted: !isPlain, hostId, sealedSecrets });
  return id;
}

const vaultOf = async (api: TestApi) => openVault(await readKeyFile(`${api.home}/master.key`));

/** A run of a job of its own that has begun, as if its agent worked for it. */
export async function begunRun(
  { store: { catalog } }: TestApi,
  run: Pick<NewRun, 'spec' | 'hostId' | 'resourceId'>,
): Promise<RunId> {
  const [id, jobId] = [testIds('run'), testIds('job')];
  await addJob(catalog, { id: jobId, name: 'ad hoc', spec: run.spec, createdBy: 'test' });
  await addRun(catalog, { ...run, id, jobId, startedBy: 'test' });
  await moveRun(catalog, id, 'running');
  return id;
}
