import { clientSettings } from '#core/settings/client-settings.ts';
import { readSettings } from '#core/settings/registry.ts';
import { runCli } from './run-cli.ts';

// Why: a reader that has seen enough (`| head`) closes the pipe; that is no error of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

/** `holdfast <noun> <verb>`. */
process.exitCode = await runCli(process.argv.slice(2), {
  terminal: {
    out: (text) => process.stdout.write(`${text}\n`),
    err: (text) => process.stderr.write(text),
    isWatched: process.stderr.isTTY && process.stdin.isTTY,
    input: process.stdin,
    errStream: process.stderr,
  },
  settings: readSettings(clientSettings, process.env),
  env: process.env,
  clock: { nowMs: () => Date.now() },
});
