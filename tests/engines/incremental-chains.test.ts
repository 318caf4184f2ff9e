import { expect, test } from 'vitest';
import type { ChainStory } from './incremental-chains.suite.ts';
import { tellStory } from './incremental-chains.suite.ts';

const stories: readonly ChainStory[] = [
  { major: 15, seed: 4_713, rounds: 3, hasChecksums: false, isEncrypted: false },
  { major: 18, seed: 20_261, rounds: 4, hasChecksums: true, isEncrypted: true },
];

test.each(stories)(
  'K-048 D-023 D-024 D-025 every set of a random chain of PostgreSQL $major is, page by page, what a full of that moment is',
  async (story) => {
    expect(await tellStory(story)).not.toEqual([]);
  },
  300_000,
);
