import { demandOwnNamespace } from '#catalog/temporal-home.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { Context } from '#api/context.ts';

type Ports = Pick<Context, 'catalog' | 'runs'>;

/** Does what changes Temporal or judges by it, once its namespace proves to be the one of the catalog. */
export async function inOwnNamespace<T>({ catalog, runs }: Ports, act: () => Promise<T>): Promise<T> {
  await demandOwnNamespace(catalog, await runs.namespace());
  return act();
}

/** For the start of a process: a Temporal that is away is none of another catalog. Throws `temporal_namespace_foreign`. */
export async function refuseForeignNamespace(ports: Ports): Promise<void> {
  await inOwnNamespace(ports, () => Promise.resolve()).catch((cause: unknown) => {
    if (!(cause instanceof HoldfastError) || cause.code !== 'temporal_unreachable') throw cause;
  });
}
