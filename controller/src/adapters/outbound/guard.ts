/**
 * Where the controller may send what an admin typed: a web hook's address must not become a way to speak to the cloud's
 * metadata service, to this host or to its neighbours. Ranges: IANA's special-purpose address registries.
 */
import { BlockList, isIP } from "node:net";

/** Addresses or CIDR blocks, and host names, that an admin allows although they lie inside. */
export type Allowed = readonly string[];

const INSIDE: readonly [string, number, string][] = [
  ["0.0.0.0", 8, "this network"],
  ["10.0.0.0", 8, "a private network"],
  ["100.64.0.0", 10, "a provider's private network"],
  ["127.0.0.0", 8, "this host"],
  ["169.254.0.0", 16, "link-local"],
  ["172.16.0.0", 12, "a private network"],
  ["192.0.0.0", 24, "reserved"],
  ["192.0.2.0", 24, "reserved for documentation"],
  ["192.88.99.0", 24, "reserved"],
  ["192.168.0.0", 16, "a private network"],
  ["198.18.0.0", 15, "reserved for benchmarks"],
  ["198.51.100.0", 24, "reserved for documentation"],
  ["203.0.113.0", 24, "reserved for documentation"],
  ["224.0.0.0", 4, "multicast"],
  ["240.0.0.0", 4, "reserved"],
  ["::", 128, "this network"],
  ["::1", 128, "this host"],
  ["64:ff9b:1::", 48, "a private network"],
  ["100::", 64, "reserved"],
  ["2001::", 23, "reserved"],
  ["2001:db8::", 32, "reserved for documentation"],
  ["3fff::", 20, "reserved for documentation"],
  ["5f00::", 16, "reserved"],
  ["fc00::", 7, "a private network"],
  ["fe80::", 10, "link-local"],
  ["fec0::", 10, "a private network"],
  ["ff00::", 8, "multicast"],
];
/** IPv6 blocks whose addresses carry an IPv4 address, and where in them it begins (in 16-bit groups). */
const CARRIERS: readonly [string, number, number][] = [
  ["::ffff:0:0", 96, 6],
  ["::ffff:0:0:0", 96, 6],
  ["::", 96, 6],
  ["64:ff9b::", 96, 6],
  ["2002::", 16, 1],
];

const lists = INSIDE.map(([address, prefix, what]) => ({ list: blockOf(address, prefix), what }));
const carriers = CARRIERS.map(([address, prefix, at]) => ({ list: blockOf(address, prefix), at }));

/** Why nothing may be sent there; null when it may. `address`: of IPv4 or IPv6, as the resolver answers it. */
export function addressProblem(address: string, allowed: Allowed = []): string | null {
  const plain = address.replace(/%.*$/, "");
  const version = isIP(plain);
  if (version === 0) return `${address} is no address`;
  if (isAllowed(plain, allowed)) return null;
  const what = insideOf(plain, version);
  if (what === null) return null;
  return `${address} is inside (${what}): allow it with outbound_allow if that is meant`;
}

/** An address or a network in CIDR form; null: it is neither. */
function networkOf(text: string): { network: string; bits: number } | null {
  const [, network = "", prefix] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const most = { 0: -1, 4: 32, 6: 128 }[isIP(network)] ?? -1;
  const bits = prefix === undefined ? most : Number(prefix);
  return most < 0 || bits > most ? null : { network, bits };
}

/** Host names of the list are exact; they allow whatever they resolve to. */
export function isAllowedName(host: string, allowed: Allowed): boolean {
  return allowed.some((one) => one.toLowerCase() === host.toLowerCase());
}

function isAllowed(address: string, allowed: Allowed): boolean {
  return allowed.some((one) => {
    const block = networkOf(one);
    return (
      block !== null &&
      isIP(block.network) === isIP(address) &&
      blockOf(block.network, block.bits).check(address, familyOf(address))
    );
  });
}

function insideOf(address: string, version: number): string | null {
  const found = lists.find(({ list }) => list.check(address, familyOf(address)));
  // The carriers' own blocks come second: an address in them is judged by what it carries.
  const carrier = version === 6 ? carriers.find(({ list }) => list.check(address, "ipv6")) : undefined;
  if (found !== undefined) return found.what;
  return carrier === undefined ? null : insideOf(carriedBy(address, carrier.at), 4);
}

function carriedBy(address: string, at: number): string {
  const groups = groupsOf(address);
  const [high = 0, low = 0] = [groups[at], groups[at + 1]];
  return [high >> 8, high & 255, low >> 8, low & 255].join(".");
}

/** The eight 16-bit groups of an IPv6 address, by the URL parser, which writes every form of one address alike. */
function groupsOf(address: string): number[] {
  const { hostname } = new URL(`http://[${address}]/`);
  const [head = "", tail] = hostname.slice(1, -1).split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = Array.from({ length: tail === undefined ? 0 : 8 - left.length - right.length }, () => "0");
  return [...left, ...zeros, ...right].map((group) => Number.parseInt(group, 16));
}

function blockOf(address: string, prefix: number): BlockList {
  const list = new BlockList();
  list.addSubnet(address, prefix, familyOf(address));
  return list;
}

function familyOf(address: string): "ipv4" | "ipv6" {
  return isIP(address) === 4 ? "ipv4" : "ipv6";
}
