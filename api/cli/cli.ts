import { join } from 'node:path';
import type { Command } from 'commander';
import type { z } from 'zod';
import { fail } from '#core/errors/fail.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { ClientSettings } from '#core/settings/client-settings.ts';
import { readSecretFile } from '#api/pools/key-files.ts';
import type { ApiClient } from './client.ts';
import { openClient } from './client.ts';
import type { Terminal } from './terminal.ts';
import { asTyped, demandNoBlank } from './typed-words.ts';
import { withoutIds } from './without-ids.ts';

/** What every command gets. */
export interface Cli {
  readonly terminal: Terminal;
  readonly settings: ClientSettings;
  /** Environment of `holdfast init`, which reads server settings. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  /** Aborts when the person gives up waiting (Ctrl-C). What runs on the server goes on. */
  readonly interrupt: AbortSignal;
  /** Opened at first use, so that help and usage errors need no token. */
  client(): Promise<ApiClient>;
}

export type CliPorts = Omit<Cli, 'client'>;

export const openCli = (ports: CliPorts): Cli => {
  let opened: Promise<ApiClient> | undefined;
  return {
    ...ports,
    client: () => (opened ??= tokenOf(ports.settings).then((token) => openClient(ports.settings.apiUrl, token))),
  };
};

/** HOLDFAST_TOKEN, else the token file, else `<home>/admin.token`. Throws `token_missing`, `key_missing`, `key_unsafe`. */
async function tokenOf({ token, tokenFile, home }: ClientSettings): Promise<string> {
  if (token !== undefined) return token;
  const file = tokenFile ?? (home === undefined ? undefined : join(home, 'admin.token'));
  if (file === undefined) throw fail('token_missing', {});
  return readSecretFile(file);
}

/** A printed result: `json` is the machine's, `text` the person's. */
export interface Said {
  readonly json: unknown;
  readonly text: string;
}

export interface Verb<A> {
  /** With its arguments, as commander writes them: `show <run>`. */
  readonly usage: string;
  readonly title: string;
  /** Flags with their help. */
  readonly options?: Readonly<Record<string, string>>;
  /** Arguments and options by name. */
  readonly shape: z.ZodType<A>;
  /** Returns what is printed; undefined when it printed as it went. */
  act(cli: Cli, args: A, isJson: boolean): Promise<Said | undefined>;
}

/** Adds a verb to a noun. Every verb takes `--json`. */
export function addVerb<A>(noun: Command, cli: Cli, verb: Verb<A>): void {
  const command = noun.command(verb.usage).description(withoutIds(verb.title));
  for (const [flags, help] of Object.entries(verb.options ?? {})) command.option(flags, withoutIds(help));
  command.option('--json', 'print JSON').action(async () => {
    const given: Record<string, unknown> = { ...command.opts<Record<string, unknown>>() };
    command.registeredArguments.forEach((argument, i) => {
      given[argument.name()] = (command.processedArgs as unknown[])[i];
    });
    demandNoBlank(command, given);
    const isJson = given['json'] === true;
    const said = await saidBy(verb, cli, given).catch((thrown: unknown) => {
      throw asTyped(thrown, command, given);
    });
    if (said !== undefined) cli.terminal.out(isJson ? JSON.stringify(said.json, undefined, 2) : said.text);
  });
}

const saidBy = async <A>(verb: Verb<A>, cli: Cli, given: Readonly<Record<string, unknown>>) =>
  verb.act(cli, verb.shape.parse(given), given['json'] === true);
