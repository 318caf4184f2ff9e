import type { SetSummary, TablespaceOfSet } from '../backup/set-summary.ts';
import { fail } from '../errors/fail.ts';
import type { RestoreRequest } from './request.ts';
import { isScratch, scratchTablespace } from './scratch-place.ts';
import { consentFor } from './plan/ways.ts';
import { cutText } from '../text.ts';

/**
 * Checks where files would go, by text alone; the agent proves the directories themselves. Throws `consent_mismatch`, `delta_consent_mismatch`,
 * `target_path_bad`.
 */
export function checkPlace({ place, resourceName, configFile, ways }: RestoreRequest): void {
  checkPath(place.directory);
  if (configFile !== undefined) checkPath(configFile);
  if (place.kind !== 'in-place' || place.consent === consentFor(resourceName, ways)) return;
  const given = cutText(place.consent, 80);
  if (ways?.isDelta === true) throw fail('delta_consent_mismatch', { given, resource: resourceName });
  throw fail('consent_mismatch', { given, resource: resourceName });
}

/**
 * The complete map of tablespaces. Throws `tablespace_unmapped` (a copy must name a new place for each, peers.md §5
 * item 21), `tablespace_unknown`, `target_path_bad` for places inside each other.
 */
export function placeTablespaces(request: RestoreRequest, set: SetSummary): Readonly<Record<string, string>> {
  const map: Record<string, string> = {};
  for (const tablespace of set.tablespaces) map[String(tablespace.oid)] = pathOf(request, tablespace);
  for (const oid of Object.keys(request.tablespaceMap)) {
    if (map[oid] === undefined)
      throw fail('tablespace_unknown', { oid, setId: set.setId, known: Object.keys(map).join(', ') || 'none' });
  }
  const paths = [request.place.directory, ...Object.values(map)];
  for (const path of paths) checkPath(path);
  checkApart(paths);
  return map;
}

function pathOf(request: RestoreRequest, tablespace: TablespaceOfSet): string {
  const mapped = request.tablespaceMap[String(tablespace.oid)];
  if (mapped !== undefined) return trimSlash(mapped);
  if (request.place.kind === 'in-place') return tablespace.path;
  if (isScratch(request.place)) return scratchTablespace(tablespace.oid);
  throw fail('tablespace_unmapped', { oid: String(tablespace.oid), path: tablespace.path });
}

const trimSlash = (path: string): string => path.replace(/(.)\/+$/, '$1');

/** PostgreSQL 12 does not unescape a backslash in tablespace_map (engine.md §D), and a line break would end its line. */
function checkPath(path: string): void {
  const bad = (why: string): Error => fail('target_path_bad', { path: cutText(path, 200), why });
  if (!path.startsWith('/')) throw bad('it is not absolute');
  if (trimSlash(path) === '/') throw bad('it is the root directory');
  if (path.split('/').some((part) => part === '..' || part === '.')) throw bad('it contains . or ..');
  if (path.includes('\\')) throw bad('it contains a backslash');
  if (/[\u0000-\u001f\u007f]/.test(path)) throw bad('it contains a control character');
}

function checkApart(paths: readonly string[]): void {
  const ended = paths.map((path) => `${trimSlash(path)}/`);
  ended.forEach((path, index) => {
    const holder = ended.find((other, at) => at !== index && path.startsWith(other));
    if (holder !== undefined)
      throw fail('target_path_bad', {
        path: trimSlash(path),
        why: `it lies inside ${trimSlash(holder)}, another path of this restore`,
      });
  });
}
