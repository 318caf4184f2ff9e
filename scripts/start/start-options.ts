import { parseArgs } from 'node:util';
import { fail } from '#core/errors/fail.ts';

/** What `npm start` is asked to do. */
export type StartRequest =
  | { readonly does: 'help' }
  | { readonly does: 'serve'; readonly portBase: number }
  | { readonly does: 'close' | 'open' };

export const usage = `npm start                                everything in the foreground: catalog, Temporal, worker, API, agent, a demo PostgreSQL
npm start -- --port-base <port>          the same on other ports than 8420 and up
npm start -- --demo-instance close       close the demo PostgreSQL of a start that runs, e.g. to restore in place
npm start -- --demo-instance open        open it again
HOLDFAST_HOME names the folder of data, keys and logs`;

/** Ports from the base up; the last one must be a port, too. */
const portsAbove = 5;
const highest = 65535 - portsAbove;

/** Throws `value_malformed` for an option that there is not, and for a value that it cannot have. */
export function requestFrom(args: readonly string[]): StartRequest {
  const values = parsed(args);
  const { 'port-base': base, 'demo-instance': wish } = values;
  if (values.help === true) return { does: 'help' };
  if (wish === 'close' || wish === 'open') return { does: wish };
  if (wish !== undefined)
    throw fail('value_malformed', { text: wish, what: 'wish for the demo instance', expected: 'close or open' });
  const portBase = Number(base ?? '8420');
  if (!Number.isInteger(portBase) || portBase < 1 || portBase > highest)
    throw fail('value_malformed', {
      text: base ?? '',
      what: 'port',
      expected: `a number from 1 to ${String(highest)}`,
    });
  return { does: 'serve', portBase };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        help: { type: 'boolean', short: 'h' },
        'port-base': { type: 'string' },
        'demo-instance': { type: 'string' },
      },
    }).values;
  } catch (cause) {
    throw fail('value_malformed', { text: args.join(' '), what: 'command line', expected: `one of:\n${usage}` }, cause);
  }
}
