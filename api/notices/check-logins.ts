import { z } from 'zod';
import { loginFigures, storeLoginCheck } from '#catalog/resources/resource-figures.ts';
import { getHost } from '#catalog/hosts.ts';
import { getResource } from '#catalog/resources/resources.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { ResourceId } from '#core/id.ts';
import type { Context } from '../context.ts';
import { inspect } from '#api/pools/inspect.ts';
import { instanceAccess } from '#api/starts/orders.ts';

/** So many a minute, so that a thousand resources do not ask all at once. */
const mostAtOnce = 20;
const againMs = 15 * 60_000;
const loginAnswer = z.looseObject({ user: z.string(), isSuperuser: z.boolean() });
/** What says that the login itself is the matter; everything else says nothing about it. */
const refusals: ReadonlySet<string> = new Set(['login_refused', 'privilege_missing']);

/**
 * Looks for logins to try: each about once an hour, so that a password that was changed is known before the next run needs
 * it (K-067). A host that is away is not asked. Says whether it tried any.
 */
export function openLoginChecks(context: Context): () => Promise<boolean> {
  const tried = new Map<ResourceId, number>();
  return async () => {
    const now = context.clock.nowMs();
    const due = (await loginFigures(context.catalog)).filter(
      ({ needsCheck, resourceId }) => needsCheck && now - (tried.get(resourceId) ?? 0) > againMs,
    );
    let hasTried = false;
    for (const { resourceId, hostId } of due.slice(0, mostAtOnce)) {
      if (!(await getHost(context.catalog, hostId)).isOnline) continue;
      tried.set(resourceId, now);
      await checkLogin(context, resourceId);
      hasTried = true;
    }
    return hasTried;
  };
}

/** Tries one stored login and notes whether it works; an answer that does not come changes nothing. */
export async function checkLogin(context: Context, id: ResourceId): Promise<void> {
  const { hostId, instance } = await questionOf(context, id);
  if (hostId === null || instance.login === undefined) return;
  const isRefused = await inspect(context, {
    hostId,
    inspection: { kind: 'login', instance },
    answer: loginAnswer,
  }).then(
    () => false,
    (cause: unknown) => {
      if (!(cause instanceof HoldfastError)) throw cause;
      return refusals.has(cause.code) ? true : undefined;
    },
  );
  if (isRefused !== undefined) await storeLoginCheck(context.catalog, id, isRefused);
}

async function questionOf(context: Context, id: ResourceId) {
  const { hostId } = await getResource(context.catalog, id);
  return { hostId, instance: await instanceAccess(context, id) };
}
