// Bundle entry: the durable workflow names (workflows/contract.ts), one by one.
export { executeRun } from './execute-run.ts';
export { fireJob } from './fire-job.ts';
export { inspect } from './inspect.ts';
export { lane } from './lane.ts';
export { work } from './work.ts';
