import { expect, test } from 'vitest';
import { flagsIn } from './flags.ts';

test('the agent takes its home, the API, a token file and directories of closed instances by flag, and no other setting', () => {
  const roots = ['--discover-root', '/srv/a', '--discover-root', '/srv/b'];
  expect(flagsIn(['--home', '/agent', '--api', 'http://api', '--enrol', '/token', ...roots])).toEqual({
    settings: {
      HOLDFAST_AGENT_HOME: '/agent',
      HOLDFAST_API_URL: 'http://api',
      HOLDFAST_ENROL_TOKEN_FILE: '/token',
      HOLDFAST_DISCOVER_ROOT: '/srv/a:/srv/b',
    },
    isEnrolment: true,
  });
  expect(flagsIn(['--enrol', 'env'])).toEqual({ settings: {}, isEnrolment: true });
  expect(flagsIn([])).toEqual({ settings: {}, isEnrolment: false });
  expect(() => flagsIn(['--enrol-token', 'secret'])).toThrow(/Unknown option/);
});
