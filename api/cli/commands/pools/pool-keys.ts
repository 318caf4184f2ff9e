import type { Command } from 'commander';
import { z } from 'zod';
import { envName } from '#core/settings/registry.ts';
import { rotatedKeyShape } from '#core/settings/shape/pool-keys.ts';
import { askSecret } from '#api/cli/ask-secret.ts';
import type { Cli } from '#api/cli/cli.ts';
import { addVerb } from '#api/cli/cli.ts';
import type { TypedFile } from '#api/cli/typed-file.ts';
import { demandNewFile, writeNewFile } from '#api/cli/typed-file.ts';

const kitShape = z.object({ text: z.string() });
const pathOf = (pool: string, what: string): string => `/api/v1/pools/${encodeURIComponent(pool)}/${what}`;

/** `holdfast pool rotate-key` and `holdfast pool kit`: verbs of the noun `pool`. */
export function addPoolKeyVerbs(noun: Command, cli: Cli): void {
  addVerb(noun, cli, {
    usage: 'rotate-key <pool>',
    title: 'give an encrypted pool a new passphrase; the old one is not needed any more and opens nothing new',
    options: { '--passphrase-file <file>': 'file that holds the new passphrase' },
    shape: z.object({ pool: z.string(), passphraseFile: z.string().optional() }),
    act: async (_cli, { pool, passphraseFile }) => {
      const passphrase = await askSecret(cli.terminal, {
        what: `new passphrase of ${pool}`,
        file: passphraseFile,
        fromEnv: cli.settings.passphrase,
        envName: envName('passphrase'),
        fileFlag: '--passphrase-file',
      });
      const rotated = await (await cli.client()).post(rotatedKeyShape, pathOf(pool, 'rotate-key'), { passphrase });
      return { json: rotated, text: rotatedText(pool, rotated) };
    },
  });
  addVerb(noun, cli, {
    usage: 'kit <pool>',
    title: 'the recovery kit: what a restore without Holdfast needs, but the passphrase; make it anew after a rotation',
    options: { '--output <file>': 'write it into this new file instead of printing it' },
    shape: z.object({ pool: z.string(), output: z.string().optional() }),
    act: async (_cli, { pool, output }) => {
      const file = output === undefined ? undefined : { option: '--output', file: output };
      if (file !== undefined) await demandNewFile(file);
      const kit = await fetchKit(cli, pool);
      if (file === undefined) return { json: kit, text: kit.text };
      await writeKit(file, kit.text);
      return {
        json: { file: file.file },
        text: `The recovery kit of ${pool} is in ${file.file}. Keep it apart from the pool.`,
      };
    },
  });
}

const rotatedText = (pool: string, { version, isNew }: z.output<typeof rotatedKeyShape>): string =>
  isNew
    ? `Key ${String(version)} of pool ${pool} is in force. Make a new recovery kit: holdfast pool kit ${pool} --output <file>`
    : `This passphrase of pool ${pool} was in force already (key ${String(version)}); nothing was changed in the pool.`;

export const fetchKit = async (cli: Cli, pool: string): Promise<z.output<typeof kitShape>> =>
  (await cli.client()).get(kitShape, pathOf(pool, 'recovery-kit'));

/** Only the owner reads it, and an older kit is not replaced. Throws `file_exists`, `file_not_made`. */
export const writeKit = (file: TypedFile, text: string): Promise<void> => writeNewFile(file, text, 0o600);
