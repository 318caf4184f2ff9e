import type { Command } from 'commander';
import { z } from 'zod';
import type { MarkKind } from '#core/care/mark.ts';
import { standingOf } from '#core/care/mark.ts';
import { markShape } from '#core/settings/shape/care.ts';
import { idShape } from '#core/settings/shape/words.ts';
import { listShape } from '#api/routes/words.ts';
import type { Cli, Said } from '#api/cli/cli.ts';
import { addVerb } from '#api/cli/cli.ts';
import { fail } from '#core/errors/fail.ts';

const oneText = z.object({
  set: idShape('set'),
  text: z.string().min(1).max(2000).optional(),
  remove: z.boolean().default(false),
});

/** Names, annotations and labels of sets: marks beside the set in its pool, so that they survive the catalog. */
export function addWordVerbs(noun: Command, cli: Cli): void {
  addVerb(noun, cli, {
    usage: 'name <set> [text]',
    title: 'name a set; its id stays what commands take',
    options: { '--remove': 'take the name away' },
    shape: oneText,
    act: (_cli, args) => say(cli, args.set, [{ kind: 'name', text: textOf(args) }]),
  });
  addVerb(noun, cli, {
    usage: 'annotate <set> [text]',
    title: 'write a remark beside a set; a later one replaces it',
    options: { '--remove': 'take the remark away' },
    shape: oneText,
    act: (_cli, args) => say(cli, args.set, [{ kind: 'annotation', text: textOf(args) }]),
  });
  addVerb(noun, cli, {
    usage: 'label <set> <labels...>',
    title: 'add labels to a set, e.g. release=7.2 audit',
    options: { '--remove': 'take these labels away' },
    shape: z.object({
      set: idShape('set'),
      labels: z.array(z.string().min(1).max(200)).min(1),
      remove: z.boolean().default(false),
    }),
    act: (_cli, { set, labels, remove }) =>
      say(
        cli,
        set,
        labels.map((text) => ({ kind: remove ? 'unlabel' : 'label', text })),
      ),
  });
}

function textOf({ text, remove }: z.output<typeof oneText>): string {
  if (remove === (text === undefined)) return text ?? '';
  throw fail('value_malformed', { text: text ?? '', what: 'words about a set', expected: 'either a text or --remove' });
}

interface Word {
  readonly kind: MarkKind;
  readonly text: string;
}

async function say(cli: Cli, set: string, words: readonly Word[]): Promise<Said> {
  const client = await cli.client();
  const path = `/api/v1/backup-sets/${set}/marks`;
  for (const word of words) await client.post(listShape(markShape), path, word);
  const { data } = await client.get(listShape(markShape), path);
  const { name, labels, annotation } = standingOf(data);
  const lines = [
    `name        ${name || '-'}`,
    `labels      ${labels.join(', ') || '-'}`,
    `annotation  ${annotation || '-'}`,
  ];
  return { json: { name, labels, annotation }, text: lines.join('\n') };
}
