import type { Finding } from '#core/agent/inspection.ts';
import type { PlaceQuestion } from '#core/agent/order.ts';
import { isAbsent } from '#agent/datadir/writer-paths.ts';
import { refuseTooLittleSpace } from '#agent/datadir/writer-space.ts';
import { look } from '#agent/restore/place/look-at-place.ts';
import { ownerOfCopy } from '#agent/restore/place/owner.ts';
import { logPathOf, refuseTaken, refuseUnwritable } from './refuse-place.ts';

const mebibyte = 1024 * 1024;

/** What this host knows when it is asked. */
export interface LogPlaceHost {
  /** Canonical directories in which instances of this host keep log. */
  readonly logDirectories: readonly string[];
  /** Account that owns the files when the agent is root. */
  readonly account: string;
}

/** What a log restore would meet at its directory right now, by the checks that it makes itself; nothing is touched. */
export function lookAtLogPlace(
  { directory, bytes }: Pick<PlaceQuestion, 'directory' | 'bytes'>,
  { logDirectories, account }: LogPlaceHost,
): readonly Finding[] {
  let path: string | undefined;
  const named = look('place', directory, () => {
    path = logPathOf(directory);
  });
  return path === undefined ? [named] : lookAt(path, bytes, { logDirectories, account });
}

function lookAt(path: string, bytes: number, { logDirectories, account }: LogPlaceHost): readonly Finding[] {
  return [
    look('place', `${path} ${isAbsent(path) ? 'does not exist yet' : 'is empty'}`, () => {
      refuseTaken(path, logDirectories);
    }),
    look('write', 'the agent may write there', () => {
      refuseUnwritable(path, ownerOfCopy(account, path));
    }),
    look('space', `there is room for ${String(Math.ceil(bytes / mebibyte))} MiB`, () => {
      refuseTooLittleSpace([{ path, bytes }]);
    }),
  ];
}
