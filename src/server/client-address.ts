// Where a request comes from. Forwarded headers count only when the peer is a proxy that the operator named.
import { BlockList, isIP } from 'node:net';

/** Addresses of proxies, as CIDR ranges or single addresses. */
export function trustedProxies(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = '', prefix, ...rest] = range.trim().split('/');
    const version = isIP(address);
    const bits = version === 4 ? 32 : 128;
    const length = prefix === undefined ? bits : Number(prefix);
    const isValid = version !== 0 && rest.length === 0 && prefix !== '' && Number.isInteger(length) && length >= 0 && length <= bits;
    if (!isValid) throw new Error(`${JSON.stringify(range)} is not an address range; --trusted-proxies takes ranges such as 10.0.0.0/8 or ::1.`);
    list.addSubnet(address, length, version === 4 ? 'ipv4' : 'ipv6');
  }
  return list;
}

export function isTrusted(proxies: BlockList, address: string): boolean {
  const version = isIP(address);
  return version !== 0 && proxies.check(address, version === 4 ? 'ipv4' : 'ipv6');
}

/** The address of the client: the peer's, or the nearest one in X-Forwarded-For that is not a trusted proxy itself. */
export function clientAddress(peer: string, forwardedFor: string | null, proxies: BlockList): string {
  let address = plainAddress(peer);
  if (forwardedFor === null || !isTrusted(proxies, address)) return address;
  for (const hop of forwardedFor.split(',').reverse()) {
    const candidate = plainAddress(hop.trim());
    if (isIP(candidate) === 0) return address;
    address = candidate;
    if (!isTrusted(proxies, address)) return address;
  }
  return address;
}

/** `::ffff:10.0.0.1` is how a socket that takes both versions shows 10.0.0.1. */
function plainAddress(address: string): string {
  const match = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  return match?.[1] ?? address;
}

/** What counts as one client for rate limits: an IPv4 address, or the /64 network that one IPv6 customer has. */
export function clientGroup(address: string): string {
  if (isIP(address) !== 6) return address;
  const [head = '', tail] = address.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const full = tail === undefined ? left : [...left, ...Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => '0'), ...right];
  return `${full
    .slice(0, 4)
    .map((part) => Number.parseInt(part, 16).toString(16))
    .join(':')}::/64`;
}
