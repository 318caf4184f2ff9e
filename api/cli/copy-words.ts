import { timeText } from './terminal.ts';

/** What lists say of a resource that drills may replace, or in whose place one put the data of another; '' of any other. */
export function copyWords(row: {
  readonly isDrillTarget: boolean;
  readonly copyOf: string | null;
  readonly copyUntil: string | null;
}): string {
  const { isDrillTarget, copyOf, copyUntil } = row;
  const words = [
    ...(isDrillTarget ? ['drill target'] : []),
    ...(copyOf === null || copyUntil === null ? [] : [`holds a copy of ${copyOf} from ${timeText(copyUntil)}`]),
  ];
  return words.join(', ');
}
