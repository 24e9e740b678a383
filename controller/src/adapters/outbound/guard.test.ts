import { expect, it } from "vitest";
import { addressProblem, isAllowedName } from "./guard.ts";

it.each([
  "8.8.8.8",
  "1.1.1.1",
  "100.63.255.255",
  "100.128.0.1",
  "172.15.255.255",
  "172.32.0.1",
  "192.167.1.1",
  "223.255.255.255",
  "2606:4700:4700::1111",
  "2a00:1450:4001:810::200e",
  "::ffff:8.8.8.8",
  "64:ff9b::808:808",
  "2002:808:808::1",
])("%s is outside", (address) => {
  expect(addressProblem(address)).toBeNull();
});

it.each([
  ["127.0.0.1", /this host/],
  ["127.8.9.10", /this host/],
  ["0.0.0.0", /this network/],
  ["10.1.2.3", /private/],
  ["172.16.0.1", /private/],
  ["172.31.255.255", /private/],
  ["192.168.1.1", /private/],
  ["100.64.0.1", /provider/],
  ["169.254.169.254", /link-local/],
  ["224.0.0.1", /multicast/],
  ["255.255.255.255", /reserved/],
  ["::", /this network/],
  ["::1", /this host/],
  ["0:0:0:0:0:0:0:1", /this host/],
  ["fe80::1", /link-local/],
  ["fe80::1%eth0", /link-local/],
  ["fd00::1", /private/],
  ["ff02::1", /multicast/],
  ["::ffff:127.0.0.1", /this host/],
  ["::ffff:7f00:1", /this host/],
  ["0:0:0:0:0:ffff:a9fe:a9fe", /link-local/],
  ["::127.0.0.1", /this host/],
  ["::ffff:0:127.0.0.1", /this host/],
  ["64:ff9b::7f00:1", /this host/],
  ["64:ff9b::192.168.0.1", /private/],
  ["64:ff9b:1::a00:1", /private/],
  // A /48 of RFC 6052 has the IPv4 address elsewhere.
  ["64:ff9b:1:7f00:0:100:808:808", /private/],
  ["2002:7f00:1::", /this host/],
  ["2002:c0a8:101::5", /private/],
])("%s is inside", (address, what) => {
  expect(addressProblem(address)).toMatch(what);
});

it.each([
  ["127.0.0.1", ["127.0.0.1"], true],
  ["127.0.0.2", ["127.0.0.1"], false],
  ["10.9.8.7", ["10.9.0.0/16"], true],
  ["10.8.8.7", ["10.9.0.0/16"], false],
  ["fd00::5", ["fd00::/8"], true],
  ["::1", ["127.0.0.0/8"], false],
  ["::ffff:10.0.0.1", ["10.0.0.0/8"], false],
  ["192.168.1.1", ["mail.example.org"], false],
  ["10.0.0.1", ["10.0.0.0/33"], false],
  ["10.0.0.1", ["10.0.0.0/"], false],
  ["fd00::5", ["fd00::/129", "fd00::/8"], true],
  ["10.0.0.1", ["10.0.0.0/8/8"], false],
])("%s with %j allowed: %s", (address, allowed, isFree) => {
  expect(addressProblem(address, allowed) === null).toBe(isFree);
});

it("names are allowed as they are written, in any case", () => {
  expect(isAllowedName("Mail.Example.org", ["10.0.0.0/8", "mail.example.org"])).toBe(true);
  expect(isAllowedName("evil.mail.example.org", ["mail.example.org"])).toBe(false);
});

it("what is no address is refused", () => {
  for (const text of ["", "localhost", "1.2.3", "0x7f.1", "[::1]"]) expect(addressProblem(text)).toMatch(/no address/);
});
