import type { LookupAddress } from 'node:dns';
import { lookup as resolve } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { BlockList, isIP } from 'node:net';
import { fail } from '#core/errors/fail.ts';
import { cutText } from '#core/text.ts';

/**
 * Keeps webhooks out of networks that only the server can see (server-side request forgery): an address that is not public
 * is refused unless an administrator allowed it. The address that was judged is the one that is connected to, so a name that
 * changes its mind between question and connection gains nothing.
 */
export interface AddressGuard {
  /** Throws `webhook_url_refused`, and `webhook_address_refused` for an address that stands in the URL itself. */
  demandUrl(url: string): URL;
  /** For connections to a URL: answers only addresses that may be connected to. Fails with the same. */
  lookupFor(url: URL): LookupFunction;
}

/** IANA special-purpose registry, IPv4: everything that is not globally reachable, and multicast. */
const closedV4 = [
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24'],
  ...['192.0.2.0/24', '192.88.99.0/24', '192.168.0.0/16', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24'],
  ...['224.0.0.0/4', '240.0.0.0/4'],
];
/** Of IPv6 only global unicast is public; within it, what translates to IPv4 or is for documents is not. */
const openV6 = ['2000::/3'];
const closedV6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'];

const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIP(address) === 6 ? 'ipv6' : 'ipv4');

function listOf(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', prefix] = network.split('/');
    const family = familyOf(address);
    list.addSubnet(address, prefix === undefined ? (family === 'ipv4' ? 32 : 128) : Number(prefix), family);
  }
  return list;
}

const closed4 = listOf(closedV4);
const open6 = listOf(openV6);
const closed6 = listOf(closedV6);

/** The IPv4 address inside an IPv4-mapped IPv6 address, which connects to the former. */
function unmapped(address: string): string {
  if (isIP(address) !== 6) return address;
  const { hostname } = new URL(`http://[${address.replace(/%.*$/, '')}]/`);
  const words = /^\[::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})\]$/.exec(hostname);
  if (words === null) return hostname.slice(1, -1);
  const [high = 0, low = 0] = words.slice(1).map((word) => parseInt(word, 16));
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

/** Whether anybody on the internet could connect to an address. */
export function isPublicAddress(text: string): boolean {
  const address = unmapped(text);
  if (isIP(address) === 4) return !closed4.check(address, 'ipv4');
  return isIP(address) === 6 && open6.check(address, 'ipv6') && !closed6.check(address, 'ipv6');
}

/** `allowed`: addresses and networks as `10.1.2.0/24`. Throws `setting_invalid`. */
export function openAddressGuard(allowed: readonly string[]): AddressGuard {
  const list = allowList(allowed);
  const isAllowed = (text: string): boolean => {
    const address = unmapped(text);
    return list.check(address, familyOf(address));
  };
  const mayConnect = (address: string): boolean => isAllowed(address) || isPublicAddress(address);
  return {
    demandUrl: (text) => {
      const url = demandPlainUrl(text);
      const host = url.hostname.replace(/^\[|\]$/g, '');
      if (isIP(host) !== 0 && !mayConnect(host)) throw fail('webhook_address_refused', { host, address: host });
      if (isIP(host) !== 0 && isPlain(url) && !isAllowed(host)) throw plainRefused(url);
      return url;
    },
    lookupFor: (url) => (host, options, done) => {
      resolve(host, { ...options, all: true }, (cause, addresses) => {
        if (cause !== null) {
          done(cause, []);
          return;
        }
        // Why stricter without TLS: nobody could tell who answers, and everybody on the way could read.
        const open = addresses.filter(({ address }) => (isPlain(url) ? isAllowed(address) : mayConnect(address)));
        const [first] = open;
        if (first === undefined) done(refusedOf(url, addresses, mayConnect), []);
        else if (options.all === true) done(null, open);
        else done(null, first.address, first.family);
      });
    },
  };
}

const isPlain = ({ protocol }: URL): boolean => protocol === 'http:';
const plainRefused = (url: URL): Error =>
  fail('webhook_url_refused', { url: cutText(url.href, 200), reason: 'it would be sent without TLS' });

function refusedOf(url: URL, addresses: readonly LookupAddress[], mayConnect: (address: string) => boolean): Error {
  if (addresses.some(({ address }) => mayConnect(address))) return plainRefused(url);
  return fail('webhook_address_refused', { host: url.hostname, address: addresses[0]?.address ?? 'no address' });
}

function allowList(allowed: readonly string[]): BlockList {
  for (const network of allowed) {
    const [address = '', prefix = '0', ...rest] = network.split('/');
    const bits = isIP(address) === 4 ? 32 : 128;
    const isWellFormed = isIP(address) !== 0 && rest.length === 0 && /^\d{1,3}$/.test(prefix) && Number(prefix) <= bits;
    if (!isWellFormed)
      throw fail('setting_invalid', { name: 'HOLDFAST_NOTICE_ALLOW', reason: `${network} is no address or network` });
  }
  return listOf(allowed);
}

function demandPlainUrl(text: string): URL {
  const refused = (reason: string) => fail('webhook_url_refused', { url: cutText(text, 200), reason });
  if (!URL.canParse(text)) throw refused('it is not a URL');
  const url = new URL(text);
  if (url.username !== '' || url.password !== '')
    throw fail('webhook_url_refused', { url: url.host, reason: 'it carries a password' });
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw refused('it is neither https nor http');
  return url;
}
