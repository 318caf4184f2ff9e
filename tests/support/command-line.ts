import { Readable, Writable } from 'node:stream';
import { runCli } from '#api/cli/run-cli.ts';
import { clientSettings } from '#core/settings/client-settings.ts';
import type { TestApi } from './api.ts';

interface Person {
  /** Whether what is printed goes to a terminal. */
  readonly isDrawn?: boolean;
  /** Hears what is said, while it is said. */
  readonly hear?: (text: string) => void;
  /** Ctrl-C. */
  readonly interrupt?: AbortSignal;
}

/** Runs one command line as a process would, without a terminal; as the administrator unless the settings say otherwise. */
export async function runLine(
  api: Pick<TestApi, 'url' | 'home'>,
  line: readonly string[],
  settings: Readonly<Record<string, string>> = {},
  { isDrawn = false, hear, interrupt = new AbortController().signal }: Person = {},
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  let [out, err] = ['', ''];
  const code = await runCli(line, {
    terminal: {
      ...{ isWatched: false, isDrawn, input: Readable.from([]), errStream: new Writable() },
      out: (text) => {
        out += `${text}\n`;
        hear?.(text);
      },
      err: (text) => {
        err += text;
        hear?.(text);
      },
    },
    settings: clientSettings.parse({ apiUrl: api.url, home: api.home, ...settings }),
    env: {},
    clock: { nowMs: () => Date.now() },
    interrupt,
  });
  return { code, out, err };
}
