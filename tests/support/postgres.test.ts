import { expect, test } from 'vitest';
import { openPostgres } from './postgres.ts';

test('two clusters of one template are two clusters, and both archive', async () => {
  const [one, two] = await Promise.all([openPostgres({ archive: true }), openPostgres({ major: 18 })]);
  try {
    const idOf = async (instance: typeof one): Promise<unknown> =>
      (await instance.sql('SELECT system_identifier::text AS id FROM pg_control_system()'))[0]?.['id'];
    expect(await idOf(one)).not.toBe(await idOf(two));
    await one.kill();
    await one.start();
    expect(await one.sql('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  } finally {
    await Promise.all([one.close(), two.close()]);
  }
});
