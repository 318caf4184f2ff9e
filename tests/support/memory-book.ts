import { fail } from '#core/errors/fail.ts';
import type { RunId, SetId } from '#core/id.ts';
import type { RunBook, RunOutcome, RunTicket } from '#core/ports/run-book.ts';

/** A run book in memory that keeps the order of what it was told, for tests of orchestration alone. */
export interface MemoryBook extends RunBook {
  readonly events: string[];
  add(ticket: RunTicket): void;
  outcome(runId: RunId): RunOutcome | undefined;
}

export function openMemoryBook(): MemoryBook {
  const tickets = new Map<RunId, RunTicket>();
  const outcomes = new Map<RunId, RunOutcome>();
  const events: string[] = [];
  const tell = (event: string): Promise<void> => {
    events.push(event);
    return Promise.resolve();
  };
  return {
    events,
    add: (ticket) => tickets.set(ticket.runId, ticket),
    outcome: (runId) => outcomes.get(runId),
    ticket: (runId) => {
      const ticket = tickets.get(runId);
      return ticket === undefined ? Promise.reject(fail('run_not_ready', { run: runId })) : Promise.resolve(ticket);
    },
    begin: (runId) => tell(`${runId} running`),
    moveTo: (runId, state) => tell(`${runId} ${state}`),
    close: (runId, outcome) => {
      outcomes.set(runId, outcome);
      return tell(`${runId} ${outcome.state}`);
    },
    isClosed: (runId) => Promise.resolve(outcomes.has(runId)),
    recordSet: (runId: RunId, setId: SetId) => tell(`${runId} ${setId}`),
  };
}
