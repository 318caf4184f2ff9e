import type { Command } from 'commander';
import { z } from 'zod';
import { resourceShape } from '#catalog/resources/resources.ts';
import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import { discoveredInstanceShape } from '#core/settings/shape/host.ts';
import { listShape } from '../../routes/words.ts';
import type { Cli, Said } from '../cli.ts';
import { addVerb } from '../cli.ts';
import type { ApiClient } from '../client.ts';
import { copyWords } from '../copy-words.ts';
import { tableOf } from '../terminal.ts';

const foundShape = z.looseObject({
  instance: discoveredInstanceShape,
  resourceId: z.string().nullable(),
  resourceName: z.string().nullable(),
  isDrillTarget: z.boolean(),
  copyOf: z.string().nullable(),
  copyUntil: z.string().nullable(),
});
type FoundInstance = z.output<typeof foundShape>;
const hostsShape = listShape(z.looseObject({ name: z.string(), isOnline: z.boolean() }));

const discoverShape = z.object({
  host: z.string().optional(),
  register: z.boolean().default(false),
  only: z.string().optional(),
  dataDirectory: z.string().optional(),
  name: z.string().optional(),
  new: z.boolean().default(false),
});
type DiscoverArgs = z.output<typeof discoverShape>;

export function addDiscover(noun: Command, cli: Cli): void {
  addVerb(noun, cli, {
    usage: 'discover [host]',
    title: 'ask agents which instances they find; without a host, every online one',
    options: {
      '--register': 'register what is new',
      '--only <name|port|directory>': 'only the instance with this name, port or data directory',
      '--data-directory <path>': 'the same, by data directory',
      '--name <name>':
        'with --register: the name that the one new instance gets, or that of the resource without a host that it is',
      '--new': 'with --register: it is none of the resources without a host, though it was copied from one',
    },
    shape: discoverShape,
    act: (_cli, args) => discover(cli, args),
  });
}

/** An instance that an agent found; `resource` is the name it is registered under. */
interface Found extends Pick<FoundInstance, 'isDrillTarget' | 'copyOf' | 'copyUntil'> {
  readonly host: string;
  readonly instance: z.output<typeof discoveredInstanceShape>;
  readonly resource: string | null;
}

async function discover(cli: Cli, args: DiscoverArgs): Promise<Said> {
  const client = await cli.client();
  const chosen = chooseOnly(await findAll(client, args.host), args.only ?? args.dataDirectory);
  const rows = args.register ? await registerNew(client, chosen, args) : chosen;
  const table = rows.map(({ host, instance, resource, ...held }) => [
    host,
    `${instance.engine} ${String(instance.serverMajor)}`,
    instance.dataDirectory,
    String(instance.port),
    instance.isRunning ? 'running' : 'closed',
    resource ?? '(not registered)',
    copyWords(held),
  ]);
  return { json: rows, text: tableOf(['HOST', 'ENGINE', 'DATA DIRECTORY', 'PORT', 'STATE', 'RESOURCE', ''], table) };
}

async function findAll(client: ApiClient, host: string | undefined): Promise<readonly Found[]> {
  const all =
    host === undefined ? (await client.get(hostsShape, '/api/v1/hosts')).data : [{ name: host, isOnline: true }];
  const found: Found[] = [];
  for (const { name } of all.filter(({ isOnline }) => isOnline)) {
    const path = `/api/v1/hosts/${encodeURIComponent(name)}/discover`;
    const { data } = await client.post(listShape(foundShape), path, {});
    found.push(...data.map((one) => rowOf(name, one)));
  }
  return found;
}

const rowOf = (host: string, { instance, resourceName, isDrillTarget, copyOf, copyUntil }: FoundInstance): Found => ({
  ...{ host, instance, resource: resourceName, isDrillTarget, copyOf, copyUntil },
});

/** Throws `instance_not_chosen` when nothing that was found fits. */
function chooseOnly(found: readonly Found[], only: string | undefined): readonly Found[] {
  if (only === undefined) return found;
  const chosen = found.filter(({ host, instance, resource }) =>
    [resource ?? nameFor(host, instance), String(instance.port), instance.dataDirectory].includes(only),
  );
  if (chosen.length === 0) throw fail('instance_not_chosen', { only });
  return chosen;
}

/** The name that the API gives when it is told none. */
const nameFor = (host: string, { engine, port }: Found['instance']): string => `${engine}-${host}-${String(port)}`;

/** Throws `name_for_many` when one name is meant for several; after all others are registered, what one cannot be for. */
async function registerNew(
  client: ApiClient,
  found: readonly Found[],
  { name, new: isNew }: Pick<DiscoverArgs, 'name' | 'new'>,
): Promise<readonly Found[]> {
  const fresh = found.filter(({ resource }) => resource === null);
  if (name !== undefined && fresh.length > 1) throw fail('name_for_many', { name, count: String(fresh.length) });
  const rows: Found[] = [];
  const problems: HoldfastError[] = [];
  for (const one of found) {
    try {
      rows.push({ ...one, resource: one.resource ?? (await registered(client, one, { name, isNew })) });
    } catch (error) {
      // One that cannot be registered does not keep the others from it.
      if (!(error instanceof HoldfastError) || !ofInstance.has(error.code)) throw error;
      problems.push(error);
    }
  }
  const worst = problems.find(({ code }) => rows.length === 0 || code !== 'instance_not_found');
  if (worst !== undefined) throw worst;
  return rows;
}

/** What is wrong with one instance only; `instance_not_found`: it vanished since it was found. */
const ofInstance = new Set<string>(['instance_not_found', 'adoption_ambiguous']);

async function registered(
  client: ApiClient,
  { host, instance }: Found,
  asked: { readonly name: string | undefined; readonly isNew: boolean },
): Promise<string> {
  const body = { host, dataDirectory: instance.dataDirectory, ...asked };
  return (await client.post(resourceShape, '/api/v1/resources', body)).name;
}
