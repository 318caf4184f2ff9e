import type { NamesPlace } from '#core/agent/order.ts';
import type { ResourceRow } from '#catalog/resources/resources.ts';
import type { AbsentName, NamesFound, WantedName } from '#core/contents/wanted-names.ts';
import { absentInBoth, absentText } from '#core/contents/wanted-names.ts';
import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { HostId, PoolId, SetId } from '#core/id.ts';
import type { LogicalSelection } from '#core/logical/selection.ts';
import { namesFoundShape } from '#core/settings/shape/contents.ts';
import { namesOfTask } from '#core/transfer/choice.ts';
import type { TransferTask } from '#core/transfer/task.ts';
import type { Context } from '#api/context.ts';
import { inspect } from '#api/pools/inspect.ts';
import { instanceAccess, poolAccess } from './orders.ts';

/** An agent that is away must not keep a start waiting: the run then looks itself. */
const patienceSeconds = 10;

interface Place {
  readonly hostId: HostId;
  readonly where: NamesPlace;
}

/** What is absent there; undefined when nobody can tell now. */
async function absentIn(
  context: Context,
  { hostId, where }: Place,
  wanted: readonly WantedName[],
): Promise<readonly AbsentName[] | undefined> {
  const inspection = { kind: 'names' as const, where, wanted };
  const found = await inspect<NamesFound>(context, {
    hostId,
    inspection,
    answer: namesFoundShape,
    patienceSeconds,
  }).catch((error: unknown) => {
    if (!(error instanceof HoldfastError) || error.class === 'bug') throw error;
    return undefined;
  });
  return found?.isKnown === true ? found.absent : undefined;
}

async function absentLive(
  context: Context,
  { hostId, id, isLoggedIn }: ResourceRow,
  wanted: readonly WantedName[],
): Promise<readonly AbsentName[] | undefined> {
  if (hostId === null || !isLoggedIn) return undefined;
  const where = { in: 'instance' as const, instance: await instanceAccess(context, id) };
  return absentIn(context, { hostId, where }, wanted);
}

const nearText = (near: readonly string[]): string => near.join(', ');

/**
 * Looks on the running instance whether it has what a backup or a canary names. Nothing is refused when its agent or itself does not answer.
 * Throws `logical_database_missing`, `logical_selection_missing`.
 */
export async function demandLiveNames(
  context: Context,
  resource: ResourceRow,
  wanted: readonly WantedName[],
): Promise<void> {
  if (wanted.length === 0) return;
  const absent = await absentLive(context, resource, wanted);
  const gone = absent?.find(({ of }) => of === 'database') ?? absent?.[0];
  if (absent === undefined || gone === undefined) return;
  const { database } = gone.wanted;
  const near = nearText(gone.near);
  if (gone.of === 'database') throw fail('logical_database_missing', { database, instance: resource.name, near });
  const names = absent.slice(0, 3).map(({ of, wanted: one }) => `${of} ${localText(one)}`);
  const more = absent.length > 3 ? ` and ${String(absent.length - 3)} more` : '';
  throw fail('logical_selection_missing', { database, names: `${names.join(', ')}${more}`, near });
}

const localText = ({ schema, table }: WantedName): string =>
  [schema, table].filter((part) => part !== undefined).join('.');

/** What a selection names; what it leaves out may be gone. */
export const namesOfSelection = (selection: LogicalSelection): readonly WantedName[] =>
  selection.of === 'all'
    ? []
    : selection.databases.flatMap(({ database, schemas, tables }) => [
        { database },
        ...schemas.map((schema) => ({ database, schema })),
        ...tables.map(({ schema, table }) => ({ database, schema, table })),
      ]);

interface NamesOfRestore {
  readonly task: TransferTask;
  readonly hostId: HostId;
  readonly poolId: PoolId;
  readonly setId: SetId;
}

/**
 * Looks into a logical set whether it holds the schemas and tables of a task. Nothing is refused when the agent does not answer. Throws
 * `transfer_schema_unknown`, `transfer_table_unknown`.
 */
export async function demandNamesOfSet(
  context: Context,
  { task, hostId, poolId, setId }: NamesOfRestore,
): Promise<void> {
  const wanted = namesOfTask(task).filter(({ schema }) => schema !== undefined);
  if (wanted.length === 0) return;
  const where = { in: 'logical-set' as const, pool: await poolAccess(context, poolId), setId };
  const [gone] = (await absentIn(context, { hostId, where }, wanted)) ?? [];
  if (gone === undefined) return;
  const { database, schema = '', table } = gone.wanted;
  const near = nearText(gone.near);
  throw table === undefined
    ? fail('transfer_schema_unknown', { schema, database, near })
    : fail('transfer_table_unknown', { table: `${schema}.${table}`, database, near });
}

/**
 * Looks whether the source or the set from which a recovery begins has what is to be recovered: what was dropped is in the set, what was made since is
 * in the source. What was made and dropped in between can be in the log alone: nobody can tell before replay, so it has to be said.
 * Nothing is refused when one of the two cannot be asked. Throws `recovery_name_unlisted`.
 */
export async function demandListedNames(
  context: Context,
  { source, ...restore }: NamesOfRestore & { readonly source: ResourceRow },
): Promise<void> {
  const { task, hostId, poolId, setId } = restore;
  const live = await absentLive(context, source, namesOfTask(task));
  if (live === undefined || live.length === 0) return;
  const where = { in: 'set' as const, pool: await poolAccess(context, poolId), setId };
  const inSet = await absentIn(
    context,
    { hostId, where },
    live.map(({ wanted }) => wanted),
  );
  const [gone] = absentInBoth(live, inSet ?? []);
  if (gone === undefined) return;
  const near = nearText(gone.near);
  throw fail('recovery_name_unlisted', { set: setId, resource: source.name, name: absentText(gone), near });
}
