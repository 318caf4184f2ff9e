import { defineSearchAttributeKey } from '@temporalio/common';
import { upsertSearchAttributes } from '@temporalio/workflow';
import type { RunTicket } from '#core/ports/run-book.ts';
import type { RunState } from '#core/run/run-state.ts';
import { searchAttributes } from '#core/run/search-attributes.ts';

const key = (name: keyof typeof searchAttributes) => defineSearchAttributeKey(searchAttributes[name], 'KEYWORD');

/** Lets the run be found by what it is about. A ticket without subjects is one of a server that knows no attributes of ours. */
export function beSearchable({ kind, subjects }: RunTicket): void {
  if (subjects === undefined) return;
  const { jobId, resourceId, poolId } = subjects;
  upsertSearchAttributes([
    { key: key('kind'), value: kind },
    { key: key('state'), value: 'running' },
    { key: key('job'), value: jobId },
    ...(resourceId === undefined ? [] : [{ key: key('resource'), value: resourceId }]),
    ...(poolId === undefined ? [] : [{ key: key('pool'), value: poolId }]),
  ]);
}

/** The state in which the run is now. */
export function beFoundAs(ticket: RunTicket | undefined, state: RunState): void {
  if (ticket?.subjects !== undefined) upsertSearchAttributes([{ key: key('state'), value: state }]);
}
