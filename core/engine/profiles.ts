import { fail } from '../errors/fail.ts';
import { postgresql } from './postgresql.ts';
import type { EngineProfile } from './profile.ts';

/** Every engine that can be protected. */
export const engineProfiles: readonly EngineProfile[] = [postgresql];

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
