import { once } from 'node:events';
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { fail } from '#core/errors/fail.ts';
import type { Terminal } from './terminal.ts';
import { readTypedFile } from './typed-file.ts';

interface SecretSource {
  /** What is asked for, e.g. `password of postgres`. */
  readonly what: string;
  readonly file?: string | undefined;
  /** Value of the environment variable, and its name for the hint. */
  readonly fromEnv?: string | undefined;
  readonly envName: string;
  readonly fileFlag: string;
}

/** A secret by file, environment or prompt, never by the command line. Throws `password_missing`, `file_unreadable`, `file_malformed`. */
export async function askSecret(terminal: Terminal, source: SecretSource): Promise<string> {
  const { what, file, fromEnv, envName, fileFlag } = source;
  const text =
    file === undefined
      ? (fromEnv ?? (await prompt(terminal, what)))
      : (await readTypedFile({ option: fileFlag, file })).replace(/\r?\n$/, '');
  if (text === '' && file !== undefined) throw fail('file_malformed', { option: fileFlag, file, why: 'it is empty' });
  if (text === '') throw fail('password_missing', { what, how: `${fileFlag} or ${envName}` });
  return text;
}

async function prompt(terminal: Terminal, what: string): Promise<string> {
  if (!terminal.isWatched) return '';
  terminal.err(`${what}: `);
  const silent = new Writable({
    write: (_chunk, _encoding, done) => {
      done();
    },
  });
  const reader = createInterface({ input: terminal.input, output: silent, terminal: true });
  try {
    // Why the race: Ctrl-C and the end of the input close the reader, and the question is never answered.
    return await Promise.race([reader.question(''), once(reader, 'close').then(() => '')]);
  } finally {
    reader.close();
  }
}
