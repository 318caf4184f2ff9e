import { Readable, Writable } from 'node:stream';
import { runCli } from '#api/cli/run-cli.ts';
import { clientSettings } from '#core/settings/client-settings.ts';
import type { TestApi } from './api.ts';

/** Runs one command line as a process would, without a terminal; as the administrator unless the settings say otherwise. */
export async function runLine(
  api: TestApi,
  line: readonly string[],
  settings: Readonly<Record<string, string>> = {},
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  let [out, err] = ['', ''];
  const code = await runCli(line, {
    terminal: {
      ...{ isWatched: false, input: Readable.from([]), errStream: new Writable() },
      out: (text) => (out += `${text}\n`),
      err: (text) => (err += text),
    },
    settings: clientSettings.parse({ apiUrl: api.url, home: api.home, ...settings }),
    env: {},
    clock: { nowMs: () => Date.now() },
  });
  return { code, out, err };
}
