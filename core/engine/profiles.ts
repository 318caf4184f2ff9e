import { fail } from '../errors/fail.ts';
import { kingbaseV8R3, kingbaseV8R6, kingbaseV9 } from './kingbase.ts';
import { postgresql } from './postgresql.ts';
import type { EngineProfile } from './profile.ts';

/** Every engine that can be protected. */
export const engineProfiles: readonly EngineProfile[] = [postgresql, kingbaseV8R6, kingbaseV9, kingbaseV8R3];

/** One profile for each way in which data directories are laid out: what a directory shows without its server. */
export const engineLayouts: readonly EngineProfile[] = engineProfiles.filter(
  (profile, index) => engineProfiles.findIndex((other) => isSameLayout(profile, other)) === index,
);

/**
 * Several releases share a layout; where the programs of an instance lie, or what they call themselves, names the release. Without
 * such a trace the oldest release is taken: login tells the rest.
 */
export function profileOf(layout: EngineProfile, traces: string): EngineProfile {
  const named = layout.releaseOf(traces);
  return engineProfiles.find((profile) => isSameLayout(profile, layout) && profile.name === named) ?? layout;
}

// A function, not a constant: it is called above while the module loads.
function isSameLayout(one: EngineProfile, other: EngineProfile): boolean {
  return one.files.control === other.files.control && one.files.log === other.files.log;
}

/** The profile with a durable name. Throws `value_malformed`. */
export function engineProfile(name: string): EngineProfile {
  const profile = engineProfiles.find((candidate) => candidate.name === name);
  if (profile === undefined) {
    throw fail('value_malformed', {
      text: name,
      what: 'engine',
      expected: engineProfiles.map((p) => p.name).join(', '),
    });
  }
  return profile;
}

/** Throws `version_unsupported` when the server major lies outside the profile. `object` names the instance or directory. */
export function requireMajor(profile: EngineProfile, major: number, object: string): void {
  const { from, to } = profile.majors;
  if (major < from || major > to) {
    throw fail('version_unsupported', { object, version: String(major), supported: `${String(from)}–${String(to)}` });
  }
}
