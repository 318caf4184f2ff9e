/** A generator of numbers in [0, 1) that is the same in every run (Park and Miller's, 31 bits). */
export function seededNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

const vocabulary = 20_000;
const syllables = ['ba', 'ce', 'di', 'fo', 'gu', 'la', 'me', 'ni', 'po', 'ru', 'sa', 'te', 'vi', 'ko', 'stra', 'men'];

function wordsOf(next: () => number): readonly string[] {
  const syllable = (): string => syllables[Math.floor(next() * syllables.length)] ?? '';
  return Array.from({ length: vocabulary }, () => {
    let word = syllable();
    while (next() < 0.6) word += syllable();
    return word;
  });
}

/** Blocks of made-up prose: few words are frequent, most are rare (Zipf), so that it compresses like text of people. */
export function proseOf(blockBytes: number): () => Uint8Array {
  const next = seededNumbers(4711);
  const words = wordsOf(next);
  return () => {
    let text = '';
    while (text.length < blockBytes) {
      const word = words[Math.floor(vocabulary ** next()) - 1] ?? '';
      text += next() < 0.1 ? `${word}, ${String(Math.floor(next() * 10_000))} ` : `${word} `;
    }
    return Buffer.from(text.slice(0, blockBytes));
  };
}
