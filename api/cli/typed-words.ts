import type { Command } from 'commander';
import { z } from 'zod';
import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import { refusalOf } from '#core/settings/request-error.ts';
import { cutText } from '#core/text.ts';

/** Parts of a request that are typed under other names. The first name counts that the command knows. */
const typedAs: Readonly<Partial<Record<string, readonly string[]>>> = {
  reconnectMinutes: ['reconnect'],
  resumeBufferBytes: ['resumeBuffer'],
  timeoutSeconds: ['scriptTimeout'],
  onFailure: ['scriptFailure'],
  everyMinutes: ['every'],
  everyDays: ['every'],
  everyWeeks: ['every'],
  from: ['from', 'window'],
  to: ['to', 'window'],
  at: ['runAt', 'at'],
  date: ['runDate', 'date'],
  type: ['type', 'plan'],
  directory: ['directory', 'to', 'local'],
  hostName: ['name'],
  types: ['events'],
  tablespaceMap: ['map'],
  lockWaitSeconds: ['lockWait'],
  tailSeconds: ['tailEvery'],
  verifyAfter: ['verify'],
  setId: ['set'],
  passphrase: ['passphraseFile'],
  password: ['passwordFile'],
  maxAgeHours: ['maxAge'],
  budgetBytes: ['budget'],
  count: ['fulls'],
  days: ['days', 'windowDays'],
  immutableDays: ['immutable'],
  endpoint: ['s3'],
  host: ['primaryHost', 'host'],
  user: ['primaryUser', 'user'],
  passFile: ['primaryPassfile'],
  slot: ['primarySlot'],
  address: ['primaryAddress'],
  name: ['rename', 'name'],
};

interface Typed {
  /** As it is written: `--zone`, `<resource>`. */
  readonly words: string;
  readonly help: string;
  readonly value: unknown;
}

type Given = Readonly<Record<string, unknown>>;

/**
 * A refusal as the person knows it who typed the command: the option, what was given and what it takes, instead of the place
 * in a request that nobody wrote. Any other error is given back as it is.
 */
export function asTyped(thrown: unknown, command: Command, given: Given): unknown {
  const error = thrown instanceof z.ZodError ? refusalOf(thrown, (path) => `/${path.join('/')}`) : thrown;
  if (!(error instanceof HoldfastError)) return error;
  const { code, params } = error;
  if (code === 'request_invalid') return refused(error, { command, given, pointer: params['pointer'] ?? '' });
  const typed = typedBehind(error, command, given);
  return typed === undefined || typed.value === undefined ? error : invalid(error, typed, command);
}

/** What was typed, when the refusal does not name it in words of the command line already. */
function typedBehind({ code, params }: HoldfastError, command: Command, given: Given): Typed | undefined {
  const { part = '', what = '', text = '' } = params;
  if (code === 'plan_bad') return typedOf(part, command, given);
  return code === 'value_malformed' && !what.startsWith('--') ? typedAlike(text, command, given) : undefined;
}

/** The first option or argument that was given an empty text: most often a shell variable that is not set. Throws `option_blank`. */
export function demandNoBlank(command: Command, given: Given): void {
  const names = [
    ...command.options.map((option) => option.attributeName()),
    ...command.registeredArguments.map((argument) => argument.name()),
  ];
  const isBlank = (value: unknown): boolean => typeof value === 'string' && value.trim() === '';
  const name = names.find((one) => [given[one]].flat().some(isBlank));
  if (name === undefined) return;
  const typed = optionOf(name, command, given) ?? argumentOf(name, command, given);
  throw fail('option_blank', { option: typed?.words ?? name, command: pathOf(command) });
}

interface Refused {
  readonly command: Command;
  readonly given: Given;
  readonly pointer: string;
}

function refused(error: HoldfastError, { command, given, pointer }: Refused): HoldfastError {
  const typed = typedOf(pointer, command, given);
  if (typed === undefined)
    return fail('options_unfit', { command: pathOf(command), part: pointer, reason: reasonOf(error) }, error.cause);
  return typed.value === undefined
    ? fail('option_missing', { command: pathOf(command), option: typed.words, help: typed.help }, error.cause)
    : invalid(error, typed, command);
}

const invalid = (error: HoldfastError, { words, help, value }: Typed, command: Command): HoldfastError =>
  fail(
    'option_invalid',
    { option: words, value: textOf(value), reason: reasonOf(error), help, command: pathOf(command) },
    error.cause,
  );

/** A pattern is for programs; what a person may write stands in the help of the option. */
const reasonOf = ({ params }: HoldfastError): string => {
  const { expected, what = '' } = params;
  if (expected !== undefined) return `it must be written as ${expected}`;
  const reason = params['reason'] ?? what;
  return /match pattern/.test(reason) ? 'it has another form' : reason;
};

const textOf = (value: unknown): string => {
  const text = Array.isArray(value) ? value.map(String).join(' ') : String(value);
  return text.length > 200 ? `${cutText(text, 200)}…` : text;
};

/** The option or argument behind `/plan/zone`: the innermost part that the command knows. */
function typedOf(pointer: string, command: Command, given: Given): Typed | undefined {
  const parts = pointer.split(/[/.]/).filter((part) => part !== '' && !/^\d+$/.test(part));
  for (const part of parts.reverse()) {
    for (const name of typedAs[part] ?? [part]) {
      const found = optionOf(name, command, given) ?? argumentOf(name, command, given);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

/** The option with exactly this value: what was refused says its own kind, not where it was typed. */
const typedAlike = (text: string, command: Command, given: Given): Typed | undefined =>
  command.options
    .map((option) => optionOf(option.attributeName(), command, given))
    .find((typed) => typed !== undefined && text !== '' && [typed.value].flat().includes(text));

function optionOf(name: string, command: Command, given: Given): Typed | undefined {
  const option = command.options.find((each) => each.attributeName() === name && each.long !== '--json');
  if (option === undefined) return undefined;
  return { words: option.long ?? option.flags, help: option.description, value: given[name] };
}

function argumentOf(name: string, command: Command, given: Given): Typed | undefined {
  const argument = command.registeredArguments.find((each) => each.name() === name);
  if (argument === undefined) return undefined;
  const usage = [pathOf(command), ...command.registeredArguments.map((each) => `<${each.name()}>`)].join(' ');
  return { words: `<${name}>`, help: `it stands in \`${usage}\``, value: given[name] };
}

const pathOf = (command: Command): string =>
  command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
