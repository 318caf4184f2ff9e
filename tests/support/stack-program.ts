/** A supervisor of its own for tests that end it: starts servers below argv[2], prints their process ids, waits. */
import { untilAskedToEnd } from '#scripts/supervisor/lifetime.ts';
import { openStack } from '#scripts/supervisor/stack.ts';

const parts = ['catalog', 'temporal', 'demo-instance'] as const;
const end = untilAskedToEnd();
const stack = await openStack({ home: process.argv[2] ?? '', parts });
process.stdout.write(`${JSON.stringify(parts.map((part) => stack.childOf(part).pid))}\n`);
await end;
await stack.close();
process.exit();
