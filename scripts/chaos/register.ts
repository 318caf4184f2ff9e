import { join } from 'node:path';
import type { EmbeddedPostgres } from '../supervisor/embedded-postgres.ts';
import type { Stack } from '../supervisor/stack.ts';
import type { Caller } from './caller.ts';
import { elsewhere, resource } from './names.ts';
import type { PutCounter } from './put-counter.ts';
import type { Replaced } from './replaced.ts';

/** What of a world must be there before anything is registered. */
interface Registered {
  readonly stack: Stack;
  readonly api: Caller;
  readonly source: EmbeddedPostgres;
  readonly folder: string;
  readonly counter: PutCounter;
  readonly place: Replaced;
  readonly rehearsal: Replaced;
}

/** Makes the resources, the two pools, the canary, the rules of retention and the mark of the target of drills. */
export async function register(world: Registered, bucket: string): Promise<void> {
  const { api, source, place, rehearsal } = world;
  const { data } = await api.get<{ data: { id: string; name: string }[] }>('/hosts');
  const host = data.find(({ name }) => name !== elsewhere)?.id ?? '';
  const servers = { [resource]: source, [place.name]: place.server, [rehearsal.name]: rehearsal.server };
  for (const [name, { dataDirectory, user, password }] of Object.entries(servers)) {
    await api.post('/resources', { host, dataDirectory, name });
    if (name !== rehearsal.name) await api.post(`/resources/${name}/login`, { user, password });
  }
  await api.put(`/resources/${resource}/canary`, { staticTables: ['public.photo', 'public.customer'] });
  await api.put(`/resources/${rehearsal.name}/drill-target`, { consent: rehearsal.name });
  await makePools(world, host, bucket);
  const policy = { rule: { kind: 'fulls', count: 3 }, minimumFulls: 2 };
  for (const pool of ['near', 'far']) await api.post('/retention', { resource, pool, policy });
}

async function makePools({ api, stack, folder, counter }: Registered, host: string, bucket: string): Promise<void> {
  await api.post('/pools', { name: 'near', host, place: { kind: 'local', directory: join(folder, 'near', 'pool') } });
  const { accessKey, secretKey, endPoint } = stack.places.minio;
  const at = { kind: 's3', endpoint: endPoint, port: counter.port, isTls: false, region: 'us-east-1', bucket };
  const secrets = { s3: { accessKey, secretKey }, passphrase: 'four words of chaos' };
  await api.post('/pools', { name: 'far', host, place: { ...at, prefix: '' }, secrets });
}
