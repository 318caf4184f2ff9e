import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { PlaceQuestion } from '#core/agent/order.ts';
import { contentOf } from '#tests/support/platform.ts';
import { openFolder } from '#tests/support/folder.ts';
import { openPostgres } from '#tests/support/postgres.ts';
import { lookAtPlace } from './look-at-place.ts';

const verdicts = (asked: Partial<PlaceQuestion> & Pick<PlaceQuestion, 'directory'>): readonly string[] =>
  lookAtPlace({ ...{ kind: 'place', isCopy: true, tablespaces: [], bytes: 1, systemId: '1' }, ...asked }).map(
    ({ check, verdict }) => `${check} ${verdict}`,
  );

test('K-119 a look at a place says whether it is free, running and large enough, and touches nothing', () => {
  const folder = openFolder('hf-place-');
  onTestFinished(() => {
    folder.remove();
  });
  const at = (name: string): string => join(folder.path, name);
  for (const name of ['empty', 'full']) mkdirSync(at(name));
  writeFileSync(join(at('full'), 'precious'), 'mine');
  const before = contentOf(folder.path);
  expect(verdicts({ directory: at('new') })).toEqual(['server ok', 'place ok', 'space ok']);
  const full = { directory: at('empty'), tablespaces: [at('full')], bytes: 2 ** 60 };
  expect(verdicts(full)).toEqual(['server ok', 'place ok', 'place fail', 'space warn']);
  expect(verdicts({ directory: at('empty'), bytes: 2 ** 60 })).toEqual(['server ok', 'place ok', 'space fail']);
  expect(contentOf(folder.path)).toEqual(before);
});

test('K-119 a look at the place of an instance says whether it is closed and the one of the plan', async () => {
  const postgres = await openPostgres();
  onTestFinished(() => postgres.close());
  const [row] = await postgres.sql('select system_identifier::text as id from pg_control_system()');
  const own = { directory: postgres.dataDirectory, isCopy: false, systemId: String(row?.['id']) };
  expect(verdicts(own)).toEqual(['server fail', 'place ok', 'space ok']);
  await postgres.stop();
  expect(verdicts(own)).toEqual(['server ok', 'place ok', 'space ok']);
  expect(verdicts({ ...own, systemId: '7' })).toEqual(['server ok', 'place fail', 'space ok']);
});
