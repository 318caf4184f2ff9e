import { appendFileSync } from 'node:fs';
import { parseId } from '#core/id.ts';
import { openAgent } from './orchestra.ts';

/** An agent in a process of its own, so that a test can kill it: `address prefix host folder seconds`. */
const [address = '', queuePrefix = '', host = '', folder = '', seconds = '0'] = process.argv.slice(2);
const hostId = parseId('host', host);
await openAgent(
  { address, queuePrefix },
  {
    folder,
    hostId,
    work: {},
    onLine: (line) => {
      appendFileSync(`${folder}/lines`, `${line}\n`);
    },
    order: (runId) => {
      appendFileSync(`${folder}/orders`, `${String(process.pid)} ${runId}\n`);
      return Promise.resolve({ kind: 'no-op', runId: parseId('run', runId), hostId, seconds: Number(seconds) });
    },
  },
);
