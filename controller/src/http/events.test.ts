import { randomUUID } from "node:crypto";
import { request } from "node:https";
import { connect } from "node:tls";
import { expect, it } from "vitest";
import { describeApi, START, type TestApi } from "./test-api.ts";

/** Reads the stream until it holds so many events; the text, without what the heartbeat says. */
function readEvents(api: TestApi, query: string, count: number, headers: Record<string, string> = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const all = { authorization: `Bearer ${api.admin}`, ...headers };
    const options = { host: "127.0.0.1", port: api.port, ca: api.root, path: `/api/v1/events${query}`, headers: all };
    const asked = request(options, (response) => {
      let text = "";
      response.on("data", (piece: Buffer) => {
        text += piece.toString();
        if ((text.match(/^event: /gm) ?? []).length < count) return;
        asked.destroy();
        resolve(text);
      });
    });
    asked.on("error", (error: NodeJS.ErrnoException) => (error.code === "ECONNRESET" ? undefined : reject(error)));
    asked.end();
  });
}

async function tell(api: TestApi, agentId: string, subject: string): Promise<number> {
  const event = {
    eventId: randomUUID(),
    agentId,
    epoch: randomUUID(),
    seq: 1,
    kind: "log",
    at: START,
    receivedAt: START,
  };
  const [row] = await api.store.write((db) =>
    db
      .insert(db.tables.events)
      .values({ ...event, subject, body: { n: subject } })
      .returning(),
  );
  const cursor = row?.cursor ?? 0;
  api.context.feed.publish([{ cursor, kind: "log", agentId, at: START, subject, body: { n: subject }, problem: null }]);
  return cursor;
}

const subjects = (text: string) =>
  [...text.matchAll(/^data: (.+)$/gm)].map(([, data]) => (JSON.parse(data ?? "") as { subject: string }).subject);

describeApi("events", (api) => {
  it("replays from a cursor and goes on with what happens", async () => {
    const agent = await api().agent();
    const first = await tell(api(), agent, "a");
    await tell(api(), agent, "b");
    const reading = readEvents(api(), `?cursor=${first}`, 2);
    await new Promise((resolve) => setTimeout(resolve, 200));
    await tell(api(), agent, "c");
    const text = await reading;
    expect(subjects(text)).toEqual(["b", "c"]);
    expect(text).toMatch(new RegExp(`^id: ${first + 1}\nevent: log\ndata: `, "m"));
    expect(subjects(await readEvents(api(), "?cursor=0", 2, { "last-event-id": String(first) }))).toEqual(["b", "c"]);
  });

  it("without a cursor tells what happens from now on, progress without an id", async () => {
    const agent = await api().agent();
    await tell(api(), agent, "old");
    const reading = readEvents(api(), "", 2);
    await new Promise((resolve) => setTimeout(resolve, 200));
    await tell(api(), agent, "new");
    const body = { done: 1 };
    api().context.feed.publish([
      { cursor: null, kind: "progress", agentId: agent, at: START, subject: "run", body, problem: null },
    ]);
    const text = await reading;
    expect(subjects(text)).toEqual(["new", "run"]);
    expect(text).toMatch(/^event: progress\ndata: /m);
    expect(text.match(/^id: /gm)).toHaveLength(1);
  });

  it("a limited key hears of its own agent only", async () => {
    const [mine, other] = [await api().agent(), await api().agent()];
    const key = await api().key(["read"], mine);
    await tell(api(), other, "not mine");
    await tell(api(), mine, "mine");
    expect(subjects(await readEvents(api(), "?cursor=0", 1, { authorization: `Bearer ${key}` }))).toEqual(["mine"]);
    expect((await api().get(`/api/v1/events?agent_id=${other}`, { as: key })).status).toBe(403);
  });

  it("a cursor that is none is refused", async () => {
    expect((await api().get("/api/v1/events?cursor=x")).status).toBe(400);
    expect((await api().get("/api/v1/events", { headers: { "last-event-id": "x" } })).status).toBe(400);
  });
});

describeApi(
  "readers of events",
  (api) => {
    function open(token: string) {
      const socket = connect({ host: "127.0.0.1", port: api().port, ca: api().root, servername: "localhost" });
      socket.on("error", () => undefined);
      const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
      socket.write(`GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n\r\n`);
      return { socket, closed };
    }

    it("that take nothing cost no memory and are cut", async () => {
      const agentId = await api().agent();
      const { socket, closed } = open(api().admin);
      await new Promise((resolve) => socket.once("data", resolve));
      socket.pause();
      await new Promise((resolve) => setTimeout(resolve, 300));
      const before = process.memoryUsage().rss;
      const body = { text: "x".repeat(100_000) };
      const entry = { cursor: null, kind: "log", agentId, at: START, subject: null, body, problem: null };
      for (let k = 0; k < 2000; k++) {
        api().context.feed.publish([entry]);
        await new Promise((resolve) => setImmediate(resolve));
      }
      expect(process.memoryUsage().rss - before).toBeLessThan(100 * 1024 * 1024);
      await new Promise((resolve) => setTimeout(resolve, 700));
      socket.resume();
      await closed;
    });

    it("are cut when their key is revoked", async () => {
      const key = await api().key(["read"]);
      const { socket, closed } = open(key);
      await new Promise((resolve) => socket.once("data", resolve));
      socket.resume();
      expect((await api().call("DELETE", `/api/v1/api-keys/${key.split(".")[1]}`)).status).toBe(200);
      await closed;
      expect((await api().get("/healthz")).status).toBe(200);
    });
  },
  { heartbeatSeconds: 0.2, stalledSeconds: 0.3 },
);
