import { BlockList, isIPv4, isIPv6 } from 'node:net';

/** IPv4 as some systems write it when everything is IPv6, in the canonical form of a URL. */
const MAPPED = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/;
const MAPPED_BITS = 96;

interface Address {
  address: string;
  family: 'ipv4' | 'ipv6';
}

interface Range extends Address {
  bits: number;
}

/** An address in its one canonical form: `::FFFF:10.0.0.1` is the IPv4 address 10.0.0.1. Null when it is none. */
export function parseAddress(text: string): Address | null {
  if (isIPv4(text)) return { address: text, family: 'ipv4' };
  const [withoutZone = ''] = text.split('%');
  if (!isIPv6(withoutZone)) return null;
  const address = new URL(`http://[${withoutZone}]`).hostname.slice(1, -1);
  const [, high, low] = MAPPED.exec(address) ?? [];
  if (high === undefined || low === undefined) return { address, family: 'ipv6' };
  const bytes = Buffer.from(high.padStart(4, '0') + low.padStart(4, '0'), 'hex');
  return { address: bytes.join('.'), family: 'ipv4' };
}

function parse(text: string): Range | null {
  const [, start = '', length] = /^([0-9a-f.:]+)(?:\/(0|[1-9]\d{0,2}))?$/i.exec(text) ?? [];
  const parsed = parseAddress(start);
  if (!parsed) return null;
  const most = isIPv4(start) ? 32 : 128;
  const bits = length === undefined ? most : Number(length);
  if (bits > most) return null;
  if (parsed.family === 'ipv6' || most === 32) return { ...parsed, bits };
  return bits < MAPPED_BITS ? null : { ...parsed, bits: bits - MAPPED_BITS };
}

/** A CIDR, or a single address, in its one canonical form: `2001:DB8::/32` is `2001:db8::/32`. Null when it is none. */
export function parseRange(text: string): string | null {
  const range = parse(text);
  return range && `${range.address}/${range.bits}`;
}

/** Says of an address whether it lies in one of the ranges. An IPv4 address lies in no range of IPv6. */
export function isWithin(ranges: readonly string[]): (address: string) => boolean {
  const lists = { ipv4: new BlockList(), ipv6: new BlockList() };
  for (const { address, bits, family } of ranges.map(parse).filter((range) => range !== null)) {
    lists[family].addSubnet(address, bits, family);
  }
  return (text) => {
    const from = parseAddress(text);
    return from !== null && lists[from.family].check(from.address, from.family);
  };
}
