import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { scratchFolder } from "../../../test/helpers/nbd-servers.ts";
import { startStorageDaemon } from "./daemon.ts";
import { connectQmp, lineSplitter } from "./qmp.ts";

describe("a real monitor", () => {
  it("answers commands, refuses bad ones in its own words, and tells events", async () => {
    await using daemon = await startStorageDaemon();
    const { qmp } = daemon;
    expect(await qmp.execute("query-block-exports")).toEqual([]);
    await expect(qmp.execute("no-such-command")).rejects.toMatchObject({
      code: "QMP_FAILED",
      details: expect.stringMatching(/not been found/),
    });
    const events: string[] = [];
    const forget = qmp.onEvent(({ event, data }) => events.push(`${event} ${String(data["id"])}`));
    await daemon.addNode({ driver: "null-co", "node-name": "n", size: 65_536 });
    await daemon.exportNbd({ node: "n", name: "first" });
    await daemon.removeExport("first");
    forget();
    await daemon.exportNbd({ node: "n", name: "second" });
    await daemon.removeExport("second");
    expect(events).toEqual(["BLOCK_EXPORT_DELETED export-first"]);
    await daemon.quit();
    await expect(qmp.execute("query-block-exports")).rejects.toMatchObject({
      code: "QMP_FAILED",
      message: expect.stringMatching(/gone/),
    });
  });
});

describe("a monitor that misbehaves", () => {
  let folder: Awaited<ReturnType<typeof scratchFolder>>;
  let server: Server;
  let path: string;
  let onClient: (socket: Socket) => void;
  beforeEach(async () => {
    folder = await scratchFolder();
    path = join(folder.path, "qmp.sock");
    server = createServer((socket) => onClient(socket.on("error", () => undefined)));
    await new Promise<void>((listening) => server.listen(path, listening));
  });
  afterEach(async () => {
    server.close();
    await folder[Symbol.asyncDispose]();
  });
  const greeting = '{"QMP":{}}\r\n';
  /** Greets, takes the capabilities, and does `then` at the first command. */
  const greetAnd = (then: (socket: Socket, id: number) => void) => (socket: Socket) => {
    socket.write(greeting);
    socket.on("data", (text) => {
      for (const line of String(text).trim().split("\n")) {
        const { execute, id } = JSON.parse(line);
        if (execute === "qmp_capabilities") socket.write(`{"return":{},"id":${id}}\n`);
        else then(socket, id);
      }
    });
  };

  it("greets with something else, or hangs up", async () => {
    onClient = (socket) => socket.write("220 mail.example ESMTP\r\n");
    await expect(connectQmp(path)).rejects.toMatchObject({ code: "QMP_FAILED" });
    onClient = (socket) => socket.end();
    await expect(connectQmp(path)).rejects.toMatchObject({ code: "QMP_FAILED" });
    await expect(connectQmp(`${path}.none`)).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("hangs up before it answers: every command under way fails", async () => {
    onClient = greetAnd((socket, id) => id === 3 && socket.destroy());
    const qmp = await connectQmp(path);
    const asked = [qmp.execute("one"), qmp.execute("two")];
    for (const each of await Promise.allSettled(asked))
      expect(each).toMatchObject({
        status: "rejected",
        reason: { code: "QMP_FAILED", message: expect.stringMatching(/went away/) },
      });
    await qmp.closed;
  });

  it("answers out of order, in pieces, and to questions that nobody asked", async () => {
    const ids: number[] = [];
    onClient = greetAnd((socket, id) => {
      if (ids.push(id) < 2) return;
      const answers = ids.toReversed().map((each) => `{"return":${each},"id":${each}}\n`);
      const text = `{"return":"stray","id":99}\n{"event":"JOB"}\n${answers.join("")}`;
      for (let at = 0; at < text.length; at += 7) socket.write(text.slice(at, at + 7));
    });
    const qmp = await connectQmp(path);
    expect(await Promise.all([qmp.execute("one"), qmp.execute("two")])).toEqual([2, 3]);
    qmp.close();
  });

  it("sends what is no JSON in the middle", async () => {
    onClient = greetAnd((socket) => socket.write("segmentation fault\n"));
    const qmp = await connectQmp(path);
    await expect(qmp.execute("one")).rejects.toMatchObject({ code: "QMP_FAILED" });
  });
});

describe("lines", () => {
  it("are the same however the bytes arrive", () => {
    const anyLine = fc.string({ minLength: 1 }).filter((line) => line.trim() !== "" && !line.includes("\n"));
    const check = (lines: string[], cuts: number[]): void => {
      const seen: string[] = [];
      const split = lineSplitter((line) => seen.push(line));
      let rest = lines.map((line) => `${line}\n`).join("");
      for (const cut of cuts) {
        split(rest.slice(0, cut));
        rest = rest.slice(cut);
      }
      split(rest);
      expect(seen).toEqual(lines);
    };
    fc.assert(fc.property(fc.array(anyLine), fc.array(fc.nat(30)), check));
  });

  it("that never end are refused", () => {
    const split = lineSplitter(() => undefined);
    const mebibyte = "x".repeat(2 ** 20);
    expect(() => {
      for (let sent = 0; sent <= 64; sent++) split(mebibyte);
    }).toThrow(expect.objectContaining({ code: "QMP_FAILED" }));
  });
});
