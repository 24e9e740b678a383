import { expect, test } from "vitest";
import {
  exportInfo,
  fields,
  honestGreeting,
  optionReply,
  type Script,
  startLyingServer,
} from "../../../test/helpers/lying-nbd-server.ts";
import { connectNbd, listMetaContexts } from "./client.ts";
import { BASE_ALLOCATION } from "./extents.ts";

const silence = Buffer.alloc(0);
const infos = (...replies: Buffer[]) => ({
  option: (option: number) =>
    option === 7 ? Buffer.concat([...replies.map((info) => optionReply(7, 3, info)), optionReply(7, 1)]) : undefined,
});

const handshakeLies: [string, string, Script][] = [
  ["garbage instead of a greeting", "NBD_PROTOCOL", { greeting: Buffer.from("HTTP/1.1 400 Bad Request\r\n") }],
  [
    "the old style of the handshake",
    "NBD_REFUSED",
    { greeting: fields("NBDMAGIC", [8, 0x00420281861253n], [8, 1], [2, 1]) },
  ],
  ["newstyle that is not fixed", "NBD_REFUSED", { greeting: fields("NBDMAGICIHAVEOPT", [2, 0]) }],
  ["half a greeting, then nothing", "TIMEOUT", { greeting: honestGreeting.subarray(0, 10) }],
  ["no answer to an option", "TIMEOUT", { option: () => silence }],
  ["an option reply with garbage magic", "NBD_PROTOCOL", { option: () => Buffer.alloc(20, 1) }],
  ["a reply to another option", "NBD_PROTOCOL", { option: () => optionReply(99, 1) }],
  [
    "an option reply of 4 GiB",
    "NBD_PROTOCOL",
    { option: () => fields([8, 0x0003e889045565a9n], [4, 8], [4, 1], [4, 0xffffffff]) },
  ],
  [
    "an acknowledgement with a payload",
    "NBD_PROTOCOL",
    { option: (option) => optionReply(option, 1, Buffer.alloc(3)) },
  ],
  ["endless information", "NBD_PROTOCOL", infos(...Array.from({ length: 1100 }, () => fields([2, 9])))],
  ["a flood of bytes", "NBD_PROTOCOL", { greeting: Buffer.concat([honestGreeting, Buffer.alloc(8 * 1024 * 1024)]) }],
  [
    "an unknown export",
    "NBD_REFUSED",
    { option: (o) => (o === 7 ? optionReply(7, 0x80000006, Buffer.from("no\u001b[31m")) : undefined) },
  ],
  ["no size", "NBD_PROTOCOL", infos()],
  ["an absurd size", "NBD_PROTOCOL", infos(exportInfo(2n ** 63n + 1n))],
  ["a size beyond exact numbers", "NBD_PROTOCOL", infos(exportInfo(2n ** 53n))],
  ["two sizes", "NBD_PROTOCOL", infos(exportInfo(1), exportInfo(2))],
  ["a minimum block of 3", "NBD_PROTOCOL", infos(exportInfo(), fields([2, 3], [4, 3], [4, 512], [4, 4096]))],
  [
    "a maximum block below the minimum",
    "NBD_PROTOCOL",
    infos(exportInfo(), fields([2, 3], [4, 512], [4, 512], [4, 0])),
  ],
  [
    "a context that was not asked for",
    "NBD_PROTOCOL",
    {
      option: (o) =>
        o === 10 ? Buffer.concat([optionReply(10, 4, fields([4, 1], "x:y")), optionReply(10, 1)]) : undefined,
    },
  ],
  [
    "a context with an endless name",
    "NBD_PROTOCOL",
    {
      option: (o) =>
        o === 10 ? Buffer.concat([optionReply(10, 4, Buffer.alloc(4120)), optionReply(10, 1)]) : undefined,
    },
  ],
];

test.each(handshakeLies)("handshake: %s is %s", async (_, code, script) => {
  await using server = await startLyingServer(script);
  const options = { contexts: [BASE_ALLOCATION], timeoutMs: code === "TIMEOUT" ? 150 : 10_000 };
  const error = await connectNbd(server.endpoint, options).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ name: "HoldfastError", code });
  expect(JSON.stringify(error)).not.toContain("\\u001b");
  await expect.poll(server.connections).toBe(0);
});

test("endless contexts are not collected", async () => {
  const many = Buffer.concat(Array.from({ length: 1100 }, (_, id) => optionReply(9, 4, fields([4, id], "qemu:x"))));
  await using server = await startLyingServer({ option: (option) => (option === 9 ? many : undefined) });
  await expect(listMetaContexts(server.endpoint, "qemu:")).rejects.toMatchObject({ code: "NBD_PROTOCOL" });
});
