import { expect, test } from "vitest";
import { describeEndpoint, parseNbdUri } from "./endpoint.ts";

test.each([
  ["nbd://host/disk", { transport: "tcp", host: "host", port: 10809, exportName: "disk" }],
  ["nbd://host", { transport: "tcp", host: "host", port: 10809, exportName: "" }],
  ["nbd://10.0.0.1:99//a/../b", { transport: "tcp", host: "10.0.0.1", port: 99, exportName: "/a/../b" }],
  ["nbd://[::1]:99/a%20b%2Fc", { transport: "tcp", host: "::1", port: 99, exportName: "a b/c" }],
  ["nbds://host/disk", { transport: "tcp", host: "host", port: 10809, exportName: "disk", tls: { ca: "" } }],
  ["nbd+unix:///disk?socket=/run/a+b%20c", { transport: "unix", socket: "/run/a+b c", exportName: "disk" }],
  ["nbd+unix:///?socket=/run/s", { transport: "unix", socket: "/run/s", exportName: "" }],
  ["nbd+unix://?socket=/run/s", { transport: "unix", socket: "/run/s", exportName: "" }],
])("%s is read, and described so that it can be read again", (uri, endpoint) => {
  expect(parseNbdUri(uri)).toEqual(endpoint);
  expect(parseNbdUri(describeEndpoint(parseNbdUri(uri)))).toEqual(endpoint);
});

test.each([
  "",
  "/dev/sda",
  "http://host/disk",
  "nbd:host:10809",
  "nbd:///disk",
  "nbd://user:hunter2@host/disk",
  "nbd://host:0/disk",
  "nbd://host:65536/disk",
  "nbd://[host]/disk",
  "nbd://host/%zz",
  "nbd://host/a%00b",
  "nbd://host/disk?tls-verify-peer=false",
  "nbds://host/disk?tls-certificates=/tmp",
  `nbd://host/${"x".repeat(4097)}`,
  "nbd://host/disk#part",
  "nbds+unix:///disk?socket=/run/s",
  "nbd+unix:///disk",
  "nbd+unix:///disk?socket=run/s",
  "nbd+unix:///disk?socket=/run/s&socket=/run/t",
  "nbd+unix://host/disk?socket=/run/s",
])("%s is refused without repeating it", (uri) => {
  expect(() => parseNbdUri(uri)).toThrow(expect.objectContaining({ code: "BAD_REQUEST" }));
  expect(() => parseNbdUri(uri)).not.toThrow(/hunter2/);
});

test("a description never holds the path of a key", () => {
  const tls = { ca: "/secret/ca.pem", cert: "/secret/cert.pem", key: "/secret/key.pem" };
  const text = describeEndpoint({ transport: "tcp", host: "host", port: 1, exportName: "disk", tls });
  expect(text).toBe("nbds://host:1/disk");
});
