import type { Context } from '@temporalio/activity';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import type { ActivityInterceptors } from '@temporalio/worker';
import type { HostId, RunId } from '#core/id.ts';
import type { Clock } from '#core/ports/clock.ts';
import { runAtEnd, runSpanOf, traceIdOf } from '#core/trace/span.ts';
import type { Tracer } from './tracer.ts';
import { newSpanId } from './tracer.ts';

/** Who does the steps. */
export interface StepTeller {
  readonly tracer: Tracer;
  readonly clock: Clock;
  /** Host of an agent; absent: the control worker. */
  readonly hostId?: HostId;
}

/** A span for each attempt of each step that belongs to a run; none of it reaches histories or payloads. */
export const stepSpans =
  ({ tracer, clock, hostId }: StepTeller) =>
  ({ info }: Context): ActivityInterceptors => ({
    inbound: {
      execute: async (input, next) => {
        const run = runOf(input.args, info.workflowExecution?.workflowId ?? '');
        if (run === undefined) return next(input);
        const beganMs = clock.nowMs();
        const tell = (failure?: string): void => {
          tracer.add({
            ...{ traceId: traceIdOf(run), spanId: newSpanId(), parentId: runSpanOf(run), name: info.activityType },
            ...{ kind: 'internal', beganMs, endedMs: clock.nowMs() },
            attributes: {
              ...{ 'holdfast.run': run, 'holdfast.step': info.activityType, 'holdfast.attempt': info.attempt },
              ...(hostId === undefined ? {} : { 'holdfast.host': hostId }),
            },
            ...(failure === undefined ? {} : { failure }),
          });
        };
        try {
          const result: unknown = await next(input);
          tell();
          return result;
        } catch (error) {
          tell(codeOf(error));
          throw error;
        }
      },
    },
  });

/** A code of ours or the name of a class: messages name what customers named. */
function codeOf(error: unknown): string {
  if (error instanceof CancelledFailure) return 'cancelled';
  if (error instanceof ApplicationFailure) return error.type ?? error.name;
  return error instanceof Error ? error.name : 'unknown';
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

/** The run that a step is told of (activities/): its id, an order of it, a request with its order; else that of the workflow. */
function runOf([first]: readonly unknown[], workflowId: string): RunId | undefined {
  const order = isRecord(first) && isRecord(first['order']) ? first['order'] : first;
  const told = isRecord(order) ? order['runId'] : order;
  return runAtEnd(typeof told === 'string' ? told : workflowId);
}
