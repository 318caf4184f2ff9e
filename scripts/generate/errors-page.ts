import type { ErrorSpec } from '#core/errors/error-spec.ts';
import { exitCodes, ownExitCodes } from '#core/errors/error-spec.ts';
import { errors } from '#core/errors/errors.ts';

const remedyOf = ({ hint, hintWhen }: ErrorSpec): string =>
  hintWhen === undefined
    ? hint
    : `${hint} When {${hintWhen.param}} is ${hintWhen.is === '' ? 'empty' : hintWhen.is}: ${hintWhen.hint}`;

const cell = (text: string): string => text.replaceAll('|', '\\|');

/** docs/reference/errors.md: every code with class, HTTP status, exit code, message and remedy. */
export const errorsPage = (): string => {
  const codes = Object.entries(errors).sort(([a], [b]) => (a < b ? -1 : 1));
  const rows = codes.map(([code, spec]) => {
    const numbers = `${String(spec.http)} | ${String(ownExitCodes[code] ?? exitCodes[spec.class])}`;
    return `| \`${code}\` | ${spec.class} | ${numbers} | ${cell(spec.message)} | ${cell(remedyOf(spec))} |`;
  });
  const head = ['| code | class | HTTP | exit | message | what to do |', '|---|---|---|---|---|---|'];
  return ['# Errors', '', 'Codes are durable. `{x}` is filled with the object at hand.', '', ...head, ...rows, ''].join(
    '\n',
  );
};
