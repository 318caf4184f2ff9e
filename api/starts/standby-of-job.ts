import type { ResourceRow } from '#catalog/resources/resources.ts';
import { getResource } from '#catalog/resources/resources.ts';
import { fail } from '#core/errors/fail.ts';
import type { StandbyOfJob } from '#core/settings/job-spec.ts';
import type { Context } from '#api/context.ts';
import { demandLogin } from '#api/routes/resources.ts';

/** What a person said about the standby that he wants backed up. */
export interface StandbyAsked {
  /** Name or id of a resource. */
  readonly primary?: string;
  readonly address?: { readonly host: string; readonly port: number };
}

/**
 * The standby as its job keeps it. Throws `resource_unknown`, `resource_not_logged_in`, `primary_other` for a resource of another
 * cluster, `primary_out_of_reach` when only a socket on another host is known.
 */
export async function standbyOfJob(
  { catalog }: Context,
  standby: ResourceRow,
  { primary: named, address }: StandbyAsked,
): Promise<StandbyOfJob> {
  if (named === undefined) return {};
  const primary = await getResource(catalog, named);
  demandLogin(primary);
  const names = { primary: primary.name, standby: standby.name };
  if (primary.id === standby.id) throw fail('primary_other', { ...names, reason: 'it is the same resource' });
  if (primary.systemId !== standby.systemId)
    throw fail('primary_other', { ...names, reason: 'their system identifiers differ' });
  const isNear = primary.hostId === standby.hostId || !primary.socket.startsWith('/');
  if (address === undefined && !isNear) throw fail('primary_out_of_reach', names);
  return { primaryId: primary.id, ...(address === undefined ? {} : { address }) };
}
