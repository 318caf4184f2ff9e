const ids = '[KD]-\\d{3}(?:[…,] ?[KD]-\\d{3})*';
const alone = new RegExp(` ?\\(${ids}\\)`, 'g');
const atEnd = new RegExp(`; ${ids}\\)`, 'g');

/** Words for people: the ids of requirements, which code and its documents name, mean nothing in a terminal. */
export const withoutIds = (text: string): string => text.replaceAll(alone, '').replaceAll(atEnd, ')');
