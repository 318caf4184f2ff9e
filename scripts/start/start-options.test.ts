import { expect, test } from 'vitest';
import { requestFrom } from './start-options.ts';

test.each([
  [[], { does: 'serve', portBase: 8420 }],
  [['--port-base', '9420'], { does: 'serve', portBase: 9420 }],
  [['--help'], { does: 'help' }],
  [['-h'], { does: 'help' }],
  [['--demo-instance', 'close'], { does: 'close' }],
  [['--demo-instance', 'open'], { does: 'open' }],
])('npm start understands %j', (args, request) => {
  expect(requestFrom(args)).toEqual(request);
});

test.each([
  [['--port-base', 'eight'], 'eight'],
  [['--port-base', '65535'], '65535'],
  [['--demo-instance', 'restart'], 'restart'],
  [['--nonsense'], '--nonsense'],
  [['help'], 'help'],
])('npm start refuses %j in words', (args, text) => {
  let refusal: unknown;
  try {
    requestFrom(args);
  } catch (error) {
    refusal = error;
  }
  expect(refusal).toMatchObject({ code: 'value_malformed', params: { text } });
});
