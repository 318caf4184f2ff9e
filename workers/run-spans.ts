import type { Context } from '@temporalio/activity';
import type { ActivityInterceptors } from '@temporalio/worker';
import type { Database } from '#catalog/database.ts';
import { getRun } from '#catalog/runs/runs.ts';
import type { RunId } from '#core/id.ts';
import { requestSpanOf, runAtEnd, runSpanOf, traceIdOf } from '#core/trace/span.ts';
import type { Tracer } from '#wire/trace/tracer.ts';

interface RunTeller {
  readonly tracer: Tracer;
  readonly catalog: Database;
  readonly onTrouble: (error: unknown) => void;
}

/** The span of a whole run, told once its end is in the catalog. A run that cannot be read has none, and goes on. */
export const runSpans =
  ({ tracer, catalog, onTrouble }: RunTeller) =>
  ({ info }: Context): ActivityInterceptors => ({
    inbound: {
      execute: async (input, next) => {
        const result: unknown = await next(input);
        const [told] = input.args;
        const run = info.activityType === 'closeRun' && typeof told === 'string' ? runAtEnd(told) : undefined;
        if (run !== undefined) await tellOf(tracer, catalog, run).catch(onTrouble);
        return result;
      },
    },
  });

async function tellOf(tracer: Tracer, catalog: Database, id: RunId): Promise<void> {
  const { kind, trigger, hostId, state, outcome, createdAt, closedAt } = await getRun(catalog, id);
  const isFailed = state === 'failed' || state === 'cancelled';
  tracer.add({
    ...{ traceId: traceIdOf(id), spanId: runSpanOf(id), name: `run ${kind}`, kind: 'internal' },
    ...(trigger === 'schedule' ? {} : { parentId: requestSpanOf(id) }),
    ...{ beganMs: Date.parse(createdAt), endedMs: Date.parse(closedAt ?? createdAt) },
    attributes: {
      ...{ 'holdfast.run': id, 'holdfast.kind': kind, 'holdfast.trigger': trigger },
      ...{ 'holdfast.host': hostId, 'holdfast.state': state },
    },
    ...(isFailed ? { failure: outcome !== null && 'code' in outcome ? outcome.code : state } : {}),
  });
}
