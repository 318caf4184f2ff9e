import { join } from 'node:path';
import { fail } from '#core/errors/fail.ts';
import { ancestorHistory, historyName } from '#core/wal/history-file.ts';
import { branchIdOf } from '#agent/codec/hash.ts';
import type { Inspected } from '#agent/database/preflight.ts';
import type { ServerFacts } from '#agent/database/server-facts.ts';
import { logDirectoryOf, readIfPresent } from '#agent/datadir/reader.ts';

/** Where history files are looked for. */
export interface HistoryPlaces {
  readonly dataDirectory: string;
  readonly inspected: Pick<Inspected, 'archiveDirectory'> & { readonly facts: Pick<ServerFacts, 'timeline'> };
}

const textsOf = ({ dataDirectory, inspected }: HistoryPlaces, timeline: number): readonly string[] =>
  [logDirectoryOf(dataDirectory), inspected.archiveDirectory].flatMap((place) => {
    const text = place === undefined ? undefined : readIfPresent(join(place, historyName(timeline)));
    return text === undefined ? [] : [text];
  });

/** Text of the history file of the timeline that is written now, '' on timeline 1. Throws `log_history_missing`. */
export function historyNow(places: HistoryPlaces): string {
  const { timeline } = places.inspected.facts;
  if (timeline === 1) return '';
  const [text] = textsOf(places, timeline);
  // Why: a set on a made-up branch would look committed and never find its log.
  if (text === undefined)
    throw fail('log_history_missing', {
      timeline: String(timeline),
      directory: logDirectoryOf(places.dataDirectory),
      name: historyName(timeline),
    });
  return text;
}

/**
 * Ids of the branches that a timeline on the way to the present one may have: timeline numbers are no key, name and text of
 * the history file are (engine.md §I).
 */
export function branchIdsOf(places: HistoryPlaces, history: string, timeline: number): readonly string[] {
  if (timeline === places.inspected.facts.timeline) return [branchIdOf(history, timeline)];
  const within = ancestorHistory(history, timeline);
  const texts = [...(within === undefined ? [] : [within]), ...(timeline === 1 ? [] : textsOf(places, timeline))];
  return texts.map((text) => branchIdOf(text, timeline));
}
