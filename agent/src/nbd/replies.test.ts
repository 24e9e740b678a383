import { expect, test } from "vitest";
import {
  chunk,
  dataChunk,
  EXPORT_SIZE,
  fields,
  type LyingRequest,
  simpleReply,
  startLyingServer,
  statusChunk,
} from "../../../test/helpers/lying-nbd-server.ts";
import { connectNbd } from "./client.ts";
import { BASE_ALLOCATION, statusRuns } from "./extents.ts";

const READ = 4096;
const silence = Buffer.alloc(0);

type Reply = (request: LyingRequest) => Buffer;
const readLies: [string, string, Reply][] = [
  ["a short read", "NBD_PROTOCOL", ({ cookie, offset }) => dataChunk(cookie, offset, READ - 1)],
  ["too much data", "NBD_PROTOCOL", ({ cookie, offset }) => dataChunk(cookie, offset, READ + 1)],
  ["data before the request", "NBD_PROTOCOL", ({ cookie }) => dataChunk(cookie, 0, READ)],
  ["data at an offset beyond 2^63", "NBD_PROTOCOL", ({ cookie }) => dataChunk(cookie, 2n ** 63n + 5n, READ)],
  [
    "a chunk that claims 4 GiB",
    "NBD_PROTOCOL",
    ({ cookie }) => fields([4, 0x668e33ef], [2, 1], [2, 1], [8, cookie], [4, 0xffffffff]),
  ],
  [
    "overlapping chunks",
    "NBD_PROTOCOL",
    ({ cookie, offset }) =>
      Buffer.concat([dataChunk(cookie, offset, 100, 0), dataChunk(cookie, offset + 99n, READ - 99)]),
  ],
  [
    "a hole over data",
    "NBD_PROTOCOL",
    ({ cookie, offset }) =>
      Buffer.concat([dataChunk(cookie, offset, READ, 0), chunk(cookie, 2, fields([8, offset], [4, 1]))]),
  ],
  ["a chunk without data", "NBD_PROTOCOL", ({ cookie, offset }) => dataChunk(cookie, offset, 0)],
  ["no data at all", "NBD_PROTOCOL", ({ cookie }) => chunk(cookie, 0, silence)],
  ["an unknown type of chunk", "NBD_PROTOCOL", ({ cookie }) => chunk(cookie, 77, silence)],
  ["a status instead of data", "NBD_PROTOCOL", ({ cookie }) => statusChunk(cookie, [[READ, 0]])],
  ["a simple reply to a structured read", "NBD_PROTOCOL", ({ cookie }) => simpleReply(cookie, 0, Buffer.alloc(READ))],
  ["an unknown cookie", "NBD_PROTOCOL", ({ cookie, offset }) => dataChunk(cookie + 1000n, offset, READ)],
  ["a cookie of 64 bits", "NBD_PROTOCOL", ({ cookie, offset }) => dataChunk(cookie + 2n ** 63n, offset, READ)],
  ["garbage magic", "NBD_PROTOCOL", () => Buffer.alloc(64, 0x41)],
  [
    "an answer given twice",
    "NBD_PROTOCOL",
    ({ cookie, offset }) => Buffer.concat([dataChunk(cookie, offset, READ), dataChunk(cookie, offset, READ)]),
  ],
  ["an error of zero", "NBD_PROTOCOL", ({ cookie }) => chunk(cookie, 0x8001, fields([4, 0], [2, 0]))],
  [
    "an error whose text is longer than it",
    "NBD_PROTOCOL",
    ({ cookie }) => chunk(cookie, 0x8001, fields([4, 5], [2, 50], "x")),
  ],
  [
    "an endless row of errors",
    "NBD_PROTOCOL",
    ({ cookie }) => Buffer.concat(Array.from({ length: 100 }, () => chunk(cookie, 0x8001, fields([4, 5], [2, 0]), 0))),
  ],
  ["half a reply, then nothing", "TIMEOUT", ({ cookie, offset }) => dataChunk(cookie, offset, READ).subarray(0, 99)],
  ["nothing", "TIMEOUT", () => silence],
];

test.each(readLies)("read: %s is %s, and ends all that is in flight", async (name, code, lie) => {
  // The first request is never answered by itself: it must be rejected together with the second.
  await using server = await startLyingServer({ reply: (request) => (request.offset === 0n ? silence : lie(request)) });
  const client = await connectNbd(server.endpoint, {
    contexts: [BASE_ALLOCATION],
    timeoutMs: code === "TIMEOUT" ? 150 : 10_000,
  });
  const targets = [0, 1].map((index) => client.read(index * READ, Buffer.alloc(READ)));
  const [bystander, victim] = await Promise.allSettled(targets);
  expect(bystander).toMatchObject({ status: "rejected", reason: { code } });
  if (name !== "an answer given twice") expect(victim).toMatchObject({ status: "rejected", reason: { code } });
  await expect(client.read(0, Buffer.alloc(1))).rejects.toMatchObject({ code });
  await client.close();
  await expect.poll(server.connections).toBe(0);
});

const statusLies: [string, Reply][] = [
  [
    "a run of length 0",
    ({ cookie, length }) =>
      statusChunk(cookie, [
        [0, 0],
        [length, 0],
      ]),
  ],
  [
    "a run that begins beyond the request",
    ({ cookie, length }) =>
      statusChunk(cookie, [
        [length, 0],
        [1, 1],
      ]),
  ],
  ["a run beyond the export", ({ cookie }) => statusChunk(cookie, [[EXPORT_SIZE + 1, 0]])],
  ["an unknown context", ({ cookie, length }) => statusChunk(cookie, [[length, 0]], 8)],
  ["no status", ({ cookie }) => chunk(cookie, 0, silence)],
  ["a simple acknowledgement", ({ cookie }) => simpleReply(cookie, 0)],
  ["a torn run", ({ cookie }) => chunk(cookie, 5, Buffer.alloc(15))],
  ["data", ({ cookie, offset }) => dataChunk(cookie, offset, READ)],
  ["a chunk that claims 4 GiB", ({ cookie }) => fields([4, 0x668e33ef], [2, 1], [2, 5], [8, cookie], [4, 0xfffffffc])],
];

test.each(statusLies)("block status: %s is refused", async (_, reply) => {
  await using server = await startLyingServer({ reply });
  const client = await connectNbd(server.endpoint, { contexts: [BASE_ALLOCATION], timeoutMs: 10_000 });
  const drained = (async () => {
    for await (const run of statusRuns(client, BASE_ALLOCATION)) expect(run.length).toBeGreaterThan(0);
  })();
  await expect(drained).rejects.toMatchObject({ code: "NBD_PROTOCOL" });
  await client.close();
});
