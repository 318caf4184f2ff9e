import type { MarkId, SetId } from '../id.ts';
import type { Instant } from '../instant.ts';

/**
 * What people say about a set after it was committed. `pin` keeps it until a time or for good, `hold` is a legal hold,
 * `quarantine` says that it must not be read; each has its opposite. The last word of a kind counts.
 */
export const markKinds = [
  ...(['pin', 'unpin', 'hold', 'release', 'quarantine', 'unquarantine'] as const),
  ...(['name', 'label', 'unlabel', 'annotation'] as const),
] as const;
export type MarkKind = (typeof markKinds)[number];

/** A mark as somebody asks for it. The id is made once, so that a repeat writes nothing twice. */
export interface NewMark {
  readonly markId: MarkId;
  readonly setId: SetId;
  readonly kind: MarkKind;
  readonly at: Instant;
  /** Name of the token that asked. */
  readonly by: string;
  /** Of a pin: when it ends. Absent: never. */
  readonly until?: Instant;
  /** Reason of a pin, a hold, a quarantine and their opposites; text of a name, a label or an annotation. */
  readonly text: string;
}

/** A mark as the pool keeps it: an append-only object of its own (docs/format.md §2, §10). */
export interface MarkOfSet extends NewMark {
  /** From 1, without gaps. */
  readonly seq: number;
  /** SHA-256 of the stored mark before this one, '' for the first: a mark that was taken away is found. */
  readonly previousSha256: string;
}

/** What all marks of one set say together. */
export interface Standing {
  readonly isHeld: boolean;
  readonly holdReason: string;
  /** Of the last pin, whether it has ended or not; undefined without one. `until` undefined: for good. */
  readonly pin?: { readonly until?: Instant; readonly reason: string };
  readonly isQuarantined: boolean;
  readonly quarantineReason: string;
  readonly name: string;
  readonly labels: readonly string[];
  readonly annotation: string;
}

export const unmarked: Standing = {
  ...{ isHeld: false, holdReason: '', isQuarantined: false, quarantineReason: '' },
  ...{ name: '', labels: [], annotation: '' },
};

/** Folds marks in the order of their numbers. */
export const standingOf = (marks: readonly MarkOfSet[]): Standing =>
  [...marks].sort((a, b) => a.seq - b.seq).reduce(after, unmarked);

function after(standing: Standing, mark: MarkOfSet): Standing {
  const { text } = mark;
  switch (mark.kind) {
    case 'pin':
      return { ...standing, pin: { reason: text, ...(mark.until === undefined ? {} : { until: mark.until }) } };
    case 'unpin':
      return withoutPin(standing);
    case 'hold':
    case 'release':
      return { ...standing, isHeld: mark.kind === 'hold', holdReason: text };
    case 'quarantine':
    case 'unquarantine':
      return { ...standing, isQuarantined: mark.kind === 'quarantine', quarantineReason: text };
    case 'name':
      return { ...standing, name: text };
    case 'annotation':
      return { ...standing, annotation: text };
    case 'label':
      return { ...standing, labels: [...standing.labels.filter((each) => each !== text), text] };
    case 'unlabel':
      return { ...standing, labels: standing.labels.filter((each) => each !== text) };
  }
}

function withoutPin({ pin, ...rest }: Standing): Standing {
  return pin === undefined ? rest : { ...rest };
}

/** True while a pin keeps its set. */
export const isPinned = ({ pin }: Standing, now: Instant): boolean =>
  pin !== undefined && (pin.until === undefined || pin.until > now);

/** Why the marks of a set forbid to delete it, in words; undefined when they do not. */
export function refusalOf(standing: Standing, now: Instant): string | undefined {
  if (standing.isHeld) return `it is under legal hold: ${standing.holdReason}`;
  if (!isPinned(standing, now)) return undefined;
  const until = standing.pin?.until === undefined ? 'for good' : `until ${standing.pin.until}`;
  return `it is pinned ${until}: ${standing.pin?.reason ?? ''}`;
}
