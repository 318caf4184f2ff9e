import { bug } from '#core/errors/fail.ts';
import type { CarriedFrame, CarriedFrames, CarriedPart } from './carrying.ts';
import type { SetAssembly } from './set-assembly.ts';
import type { Unit } from './threads/thread-message.ts';

export const bytesOfParts = (parts: readonly CarriedPart[]): number =>
  parts.reduce((sum, { length }) => sum + length, 0);

/**
 * Work for the threads, without what acknowledged pieces hold: the sets below never change, so an extent of the same place
 * and length in this set is the same bytes. `numbers` are those of the assembly by index of the file.
 */
export function* unitsOfCarrying(
  tasks: readonly CarriedFrames[],
  numbers: readonly number[],
  assembly: SetAssembly,
): Generator<Unit> {
  const isHeld = (part: CarriedPart): boolean => {
    const hash = assembly.known(part.path, part.from, part.length);
    if (hash === '' || (part.hash !== '' && part.hash !== hash)) return false;
    assembly.reuse(part.file, part);
    return true;
  };
  for (const task of tasks) {
    const frames = task.frames
      .map((carried): CarriedFrame => {
        const parts = carried.parts.map((part) => ({ ...part, file: numberOf(part, numbers) }));
        return { ...carried, parts: parts.filter((part) => !isHeld(part)) };
      })
      .filter(({ parts }) => parts.length > 0);
    if (frames.length > 0) yield { kind: 'frames', task: { ...task, frames } };
  }
}

function numberOf({ file, path }: CarriedPart, numbers: readonly number[]): number {
  const number = numbers[file];
  if (number === undefined) throw bug(`${path} is carried over without being named`);
  return number;
}
