import type { HoldfastEvent } from './event.ts';
import { eventTypes } from './event-type.ts';

/** What a receiver gets: type, time and thin data with ids, names and the place to ask for more (Standard Webhooks, "Payload"). */
export function payloadOf(event: HoldfastEvent): string {
  const { id, seq, type, at, data, ...subjects } = event;
  const { runId, resourceId } = subjects;
  const href = runId === undefined ? undefined : `/api/v1/runs/${runId}`;
  const about = { ...data, ...subjects, id, seq };
  const link = href ?? (resourceId === undefined ? undefined : `/api/v1/resources/${resourceId}`);
  return JSON.stringify({ type, timestamp: at, data: link === undefined ? about : { ...about, href: link } });
}

export interface Mail {
  readonly subject: string;
  readonly text: string;
}

const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' ? value : typeof value === 'number' ? String(value) : undefined;

/** Control characters never reach a header or a terminal. */
const plain = (text: string): string => text.replace(/\p{Cc}+/gu, ' ');

/** The mail of an event: English, then Chinese, then every fact in a line of its own. */
export function mailOf(event: HoldfastEvent): Mail {
  const { type, at, data, id, ...rest } = event;
  const { title, titleZh } = eventTypes[type];
  const about = textOf(data['resource']) ?? textOf(data['host']) ?? textOf(data['channel']) ?? textOf(data['pool']);
  const kind = textOf(data['kind']);
  const named = [kind, about].filter((text) => text !== undefined).join(' of ');
  const subject = `[Holdfast] ${title}${named === '' ? '' : `: ${named}`}`;
  const ids = { run: rest.runId, set: rest.setId };
  const facts = Object.entries({ type, time: at, ...data, ...ids, event: id }).flatMap(([name, value]) => {
    const text = textOf(value);
    return text === undefined ? [] : [`${name.padEnd(12)} ${plain(text)}`];
  });
  const look =
    rest.runId === undefined ? [] : ['', `holdfast run show ${rest.runId}`, `holdfast run logs ${rest.runId}`];
  return {
    subject: plain(subject),
    text: [`${title} / ${titleZh}`, '', ...facts, ...look, ''].join('\n'),
  };
}
