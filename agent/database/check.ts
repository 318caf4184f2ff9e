import type { InstanceAccess } from '#core/agent/order.ts';
import type { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { LoginCheck } from './login.ts';
import type { ServerFacts } from './server-facts.ts';
import type { Session } from './session.ts';

/** One thing that was checked: `problem` makes it fail, `warning` does not stop a backup. */
export interface Check {
  readonly check: string;
  readonly detail: string;
  readonly problem?: HoldfastError | undefined;
  readonly warning?: { readonly detail: string; readonly hint: string } | undefined;
}

export interface Checked {
  readonly session: Session;
  readonly instance: InstanceAccess;
  readonly facts: ServerFacts;
  readonly rights: LoginCheck;
  readonly archiveDirectory: string | undefined;
}
