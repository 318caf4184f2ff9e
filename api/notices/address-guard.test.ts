import { expect, test } from 'vitest';
import { isPublicAddress, openAddressGuard } from './address-guard.ts';

const closed = [
  ...[
    '0.0.0.0',
    '10.0.0.1',
    '100.64.0.1',
    '127.0.0.1',
    '127.255.255.254',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
  ],
  ...[
    '192.0.0.8',
    '192.0.2.1',
    '192.168.0.1',
    '198.18.0.1',
    '198.51.100.1',
    '203.0.113.7',
    '224.0.0.1',
    '255.255.255.255',
  ],
  ...[
    '::',
    '::1',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '::ffff:10.1.2.3',
    '::127.0.0.1',
    '64:ff9b::7f00:1',
    'fc00::1',
    'fd12::1',
  ],
  ...['fe80::1', 'ff02::1', '2001:db8::1', '2001::1', '2002:7f00:1::', '3fff::1', '100::1', 'fec0::1'],
];
const open = [
  '1.1.1.1',
  '8.8.8.8',
  '172.32.0.1',
  '192.169.0.1',
  '100.128.0.1',
  '2606:4700:4700::1111',
  '::ffff:8.8.8.8',
];

test('addresses that only the server can reach are told from public ones', () => {
  expect(closed.filter((address) => isPublicAddress(address))).toEqual([]);
  expect(open.filter((address) => !isPublicAddress(address))).toEqual([]);
});

const guard = openAddressGuard(['10.1.2.0/24', 'fd00::5']);
const code = (url: string): unknown => {
  try {
    guard.demandUrl(url);
    return 'fine';
  } catch (cause) {
    return cause instanceof Error && 'code' in cause ? cause.code : cause;
  }
};

test('a webhook to a private address is refused in every way of writing it, unless it is allowed', () => {
  for (const host of [
    '127.0.0.1',
    '127.1',
    '2130706433',
    '0x7f.1',
    '0177.0.0.1',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '169.254.169.254',
  ])
    expect([host, code(`https://${host}/hook`)]).toEqual([host, 'webhook_address_refused']);
  for (const url of ['https://10.1.2.9/x', 'http://10.1.2.9:8080/x', 'https://[fd00::5]/', 'https://8.8.8.8/'])
    expect([url, code(url)]).toEqual([url, 'fine']);
  expect(code('https://10.1.3.1/')).toBe('webhook_address_refused');
});

test('a webhook needs TLS on the way to public addresses, and carries no password', () => {
  for (const url of [
    'http://8.8.8.8/',
    'ftp://example.org/',
    'https://user:secret@example.org/',
    'nonsense',
    'file:///etc/passwd',
  ])
    expect([url, code(url)]).toEqual([url, 'webhook_url_refused']);
  expect(code('https://user:secret@example.org/')).not.toContain('secret');
});

const lookedUp = (url: string): Promise<unknown> =>
  new Promise((resolve) => {
    const parsed = new URL(url);
    guard.lookupFor(parsed)(parsed.hostname, { all: true }, (cause, addresses) => {
      resolve(cause === null ? addresses : 'code' in cause ? cause.code : cause.message);
    });
  });

test('a name is judged by the addresses that are connected to, not by how it reads', async () => {
  expect(await lookedUp('https://localhost/')).toBe('webhook_address_refused');
  expect(await lookedUp('http://localhost/')).toBe('webhook_address_refused');
});

test('a setting that is no network is refused by its name', () => {
  for (const wrong of ['10.0.0.0/33', 'example.org', '10.0.0.0/8/8', '10.0.0/8'])
    expect(() => openAddressGuard([wrong])).toThrow(/HOLDFAST_NOTICE_ALLOW/);
});
