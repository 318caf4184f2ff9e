import { Readable, Writable } from 'node:stream';
import type { Command } from 'commander';
import { openCli } from '#api/cli/cli.ts';
import { buildProgram, exitText } from '#api/cli/run-cli.ts';
import { clientSettings } from '#core/settings/client-settings.ts';

const cell = (text: string): string => text.replaceAll('|', '\\|');

/** A command line that nobody types on: only its tree is read. */
const tree = (): Command =>
  buildProgram(
    openCli({
      terminal: {
        ...{ isWatched: false, isDrawn: false, input: Readable.from([]), errStream: new Writable() },
        out: () => undefined,
        err: () => undefined,
      },
      settings: clientSettings.parse({}),
      env: {},
      clock: { nowMs: () => 0 },
      interrupt: new AbortController().signal,
    }),
  );

const verbsBelow = (command: Command): Command[] =>
  command.commands.length === 0 ? [command] : command.commands.flatMap(verbsBelow);

const pathOf = (command: Command): string =>
  command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;

const sectionOf = (command: Command): string[] => {
  const words = command.registeredArguments.map((each) => {
    const name = each.variadic ? `${each.name()}...` : each.name();
    return each.required ? ` <${name}>` : ` [${name}]`;
  });
  const rows = command.options
    .filter(({ long }) => long !== '--json')
    .map(({ flags, description }) => `| \`${cell(flags)}\` | ${cell(description)} |`);
  const table = rows.length === 0 ? [] : ['| option | meaning |', '|---|---|', ...rows, ''];
  return [`## \`${pathOf(command)}${words.join('')}\``, '', `${capital(command.description())}.`, '', ...table];
};

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** docs/reference/cli.md: every command with its options, from the tree that also parses them. */
export const cliPage = (): string => {
  const intro = 'Every command takes `--json` and `--help`.';
  const facts = exitText
    .trim()
    .split('\n')
    .join(' ')
    .split(/ (?=Environment:|Programs:)/);
  return [
    '# Commands',
    '',
    intro,
    '',
    ...facts.map((fact) => `- ${fact}`),
    '',
    ...verbsBelow(tree()).flatMap(sectionOf),
  ].join('\n');
};
