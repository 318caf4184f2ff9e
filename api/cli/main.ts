import { getEventListeners } from 'node:events';
import { interruptedExit } from '#core/errors/error-spec.ts';
import { clientSettings } from '#core/settings/client-settings.ts';
import { readSettings } from '#core/settings/registry.ts';
import { runCli } from './run-cli.ts';

// Why: a reader that has seen enough (`| head`) closes the pipe; that is no error of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

const interrupt = new AbortController();
process.on('SIGINT', () => {
  // Why: a command that watches a run says how to go on; all others, and a second Ctrl-C, end at once.
  const isHeard = !interrupt.signal.aborted && getEventListeners(interrupt.signal, 'abort').length > 0;
  if (!isHeard) process.exit(interruptedExit);
  interrupt.abort();
});

/** `holdfast <noun> <verb>`. */
process.exitCode = await runCli(process.argv.slice(2), {
  terminal: {
    out: (text) => process.stdout.write(`${text}\n`),
    err: (text) => process.stderr.write(text),
    isWatched: process.stderr.isTTY && process.stdin.isTTY,
    isDrawn: process.stdout.isTTY,
    input: process.stdin,
    errStream: process.stderr,
  },
  settings: readSettings(clientSettings, process.env),
  env: process.env,
  clock: { nowMs: () => Date.now() },
  interrupt: interrupt.signal,
});
// Why: a request that nobody waits for any more must not hold the process.
if (interrupt.signal.aborted) process.exit();
