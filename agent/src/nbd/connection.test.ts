import { setTimeout as wait } from "node:timers/promises";
import { expect, test } from "vitest";
import {
  chunk,
  dataChunk,
  fields,
  type LyingRequest,
  optionReply,
  simpleReply,
  startLyingServer,
  statusChunk,
} from "../../../test/helpers/lying-nbd-server.ts";
import { connectNbd } from "./client.ts";
import { BASE_ALLOCATION } from "./extents.ts";

const READ = 4096;
const silence = Buffer.alloc(0);
type Reply = (request: LyingRequest) => Buffer;
const noStructured = (option: number) => (option === 8 ? optionReply(8, 0x80000001) : undefined);

test.each([
  [1, "NBD_REFUSED", /EPERM/],
  [5, "IO_ERROR", /EIO/],
  [12, "IO_ERROR", /ENOMEM/],
  [22, "NBD_REFUSED", /EINVAL/],
  [28, "NO_SPACE", /ENOSPC/],
  [75, "NBD_REFUSED", /EOVERFLOW/],
  [95, "NBD_REFUSED", /ENOTSUP/],
  [108, "NBD_REFUSED", /ESHUTDOWN/],
  [4711, "IO_ERROR", /errno 4711/],
])("the server's error %i is %s, and the connection lives on", async (errno, code, words) => {
  const failing = ({ cookie, command }: LyingRequest) =>
    command === 0 ? chunk(cookie, 0x8001, fields([4, errno], [2, 8], "dd\u0007 told")) : simpleReply(cookie, errno);
  await using server = await startLyingServer({
    reply: (request) => (request.offset === 0n ? failing(request) : undefined),
  });
  const client = await connectNbd(server.endpoint);
  const failure = await client.read(0, Buffer.alloc(READ)).catch((error: unknown) => error);
  expect(failure).toMatchObject({ code, message: expect.stringMatching(words) });
  await expect(client.writeZeroes(0, READ)).rejects.toMatchObject({ code });
  await client.read(READ, Buffer.alloc(READ));
  await client.close();
});

test("a server that closes midway rejects what is in flight; the process and a new connection go on", async () => {
  let honest = false;
  await using server = await startLyingServer({
    reply: ({ cookie, offset }, socket) => {
      if (honest) return undefined;
      socket.end(dataChunk(cookie, offset, READ).subarray(0, 2000));
      return silence;
    },
  });
  const client = await connectNbd(server.endpoint);
  await expect(client.read(0, Buffer.alloc(READ))).rejects.toMatchObject({ code: "NBD_PROTOCOL" });
  honest = true;
  const next = await connectNbd(server.endpoint);
  await next.read(0, Buffer.alloc(READ));
  await Promise.all([client.close(), next.close()]);
});

test("a simple reply to a read is right where structured replies were refused, a structured one wrong", async () => {
  const reply: Reply = ({ cookie, offset, length }) =>
    offset === 0n ? simpleReply(cookie, 0, Buffer.alloc(length, 3)) : dataChunk(cookie, offset, length);
  await using server = await startLyingServer({ option: noStructured, reply });
  const client = await connectNbd(server.endpoint, { contexts: [BASE_ALLOCATION] });
  expect(client.contexts).toEqual([]);
  const target = Buffer.alloc(READ);
  await client.read(0, target);
  expect(target).toEqual(Buffer.alloc(READ, 3));
  await expect(client.read(READ, target)).rejects.toMatchObject({ code: "NBD_PROTOCOL" });
});

test("a run that reaches beyond the request, but not beyond the export, is clipped", async () => {
  await using server = await startLyingServer({
    reply: ({ cookie, length }) => statusChunk(cookie, [[length + READ, 3]]),
  });
  const client = await connectNbd(server.endpoint, { contexts: [BASE_ALLOCATION] });
  const runs = await client.blockStatus(BASE_ALLOCATION, READ, READ);
  expect(runs).toEqual([{ offset: READ, length: READ, flags: 3 }]);
  await client.close();
});

test("a slow server is not a stalled one, and silence between requests does not count", async () => {
  const drip = ({ cookie, offset, length }: LyingRequest, socket: { write(bytes: Buffer): unknown }) => {
    const bytes = dataChunk(cookie, offset, length);
    [0, 1, 2, 3].forEach((index) => {
      setTimeout(() => socket.write(bytes.subarray(index * 1100, (index + 1) * 1100)), 100 * index);
    });
    return silence;
  };
  await using server = await startLyingServer({ reply: drip });
  const client = await connectNbd(server.endpoint, { timeoutMs: 400 });
  await client.read(0, Buffer.alloc(READ));
  await wait(300);
  await client.read(0, Buffer.alloc(READ));
  await client.close();
});

test("what was cancelled says so, before and after connecting", async () => {
  await using server = await startLyingServer({ reply: () => silence });
  await using mute = await startLyingServer({ greeting: silence });
  const early = connectNbd(mute.endpoint, { signal: AbortSignal.timeout(30) });
  await expect(early).rejects.toMatchObject({ code: "CANCELLED" });
  const stop = new AbortController();
  const client = await connectNbd(server.endpoint, { signal: stop.signal });
  const pending = client.read(0, Buffer.alloc(READ));
  stop.abort();
  await expect(pending).rejects.toMatchObject({ code: "CANCELLED" });
  const late = connectNbd(server.endpoint, { signal: stop.signal });
  await expect(late).rejects.toMatchObject({ code: "CANCELLED" });
});
