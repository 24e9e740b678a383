import { BlockList, isIP } from "node:net";

const NETWORK = /^([0-9a-fA-F.:]+)(?:\/(\d{1,3}))?$/;

type Network = { address: string; prefix: number; family: "ipv4" | "ipv6" };

/** `10.0.0.0/8`, `fd00::/8` or one address; null when the text is none of these. */
function parseNetwork(text: string): Network | null {
  const [, address, prefixText] = NETWORK.exec(text) ?? [];
  const version = address === undefined ? 0 : isIP(address);
  if (address === undefined || version === 0) return null;
  const bits = version === 4 ? 32 : 128;
  const prefix = prefixText === undefined ? bits : Number(prefixText);
  return prefix > bits ? null : { address, prefix, family: version === 4 ? "ipv4" : "ipv6" };
}

export function isNetwork(text: string): boolean {
  return parseNetwork(text) !== null;
}

/** Whether an address lies in one of the networks; no networks means everywhere. IPv4 that came as IPv6 counts as IPv4. */
export function isWithin(source: string, networks: readonly string[]): boolean {
  if (networks.length === 0) return true;
  const list = new BlockList();
  for (const network of networks.map(parseNetwork))
    if (network !== null) list.addSubnet(network.address, network.prefix, network.family);
  const address = source.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, "").replace(/%.*$/, "");
  const version = isIP(address);
  return version !== 0 && list.check(address, version === 4 ? "ipv4" : "ipv6");
}
