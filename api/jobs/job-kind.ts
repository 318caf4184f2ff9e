import type { z } from 'zod';
import type { Permission } from '#core/access/permission.ts';
import type { PlanType } from '#core/plan/plan.ts';
import type { JobSpec } from '#core/settings/job-spec.ts';
import { knownPartsOf } from '#api/http/route.ts';
import type { Context } from '../context.ts';

/** What a job does: its spec, and what was asked for with ids instead of names, so that an edit can begin from it. */
export interface Work {
  readonly spec: JobSpec;
  readonly asked: Readonly<Record<string, unknown>>;
}

/** A kind of work that a job may have: the body that asks for it, and the plans that it may run by. */
export interface JobKind {
  readonly kind: string;
  readonly plans: readonly PlanType[];
  readonly permission: Permission;
  readonly body: z.ZodObject;
  /** A clone of it makes sense (K-078, K-100). */
  readonly isCloned: boolean;
  /** What it does is decided anew each time it is started by hand: the plan of a restore. */
  readonly isPreparedAnew: boolean;
  /** Refuses work with parts that its body would drop without a word. Throws `body_part_unknown`. */
  readonly demandKnown: (asked: unknown) => void;
  /** Refuses before anything is saved. */
  readonly prepare: (context: Context, body: unknown) => Promise<Work>;
}

interface JobKindSpec<B extends z.ZodObject> extends Pick<JobKind, 'kind' | 'plans' | 'permission'> {
  readonly body: B;
  readonly isCloned?: boolean;
  readonly isPreparedAnew?: boolean;
  readonly prepare: (context: Context, body: z.output<B>) => Promise<Work>;
}

/** Closes the type of the body over, as `route` does for routes. */
export const jobKind = <B extends z.ZodObject>(spec: JobKindSpec<B>): JobKind => ({
  ...{ isCloned: false, isPreparedAnew: false },
  ...spec,
  demandKnown: knownPartsOf(spec.body, 'work.'),
  prepare: (context, foreign) => spec.prepare(context, spec.body.parse(foreign)),
});
