import { randomUUID } from "node:crypto";
import { connect as connectTcp } from "node:net";
import { connect as connectTls } from "node:tls";
import { afterAll, beforeAll, expect, it } from "vitest";
import { envelopes, logged } from "../services/ingest/test-events.ts";
import { describeOnBothStores } from "../store/test-stores.ts";
import { call, hubsOn, newIdentity, type TestAuthority, testAuthority, until } from "./test-link.ts";

let place: TestAuthority;
beforeAll(async () => {
  place = await testAuthority();
});
afterAll(() => place[Symbol.asyncDispose]());

describeOnBothStores("hostile peers at the agent port", (open) => {
  const hubOn = hubsOn(() => place);

  it.each<[string, string[]]>([
    ["no frame at all", []],
    ["nonsense", ["}{"]],
    ["a frame without a type", ['{"a":1}']],
    ["a wrong hello", ['{"type":"hello"}']],
    [
      "events before hello",
      [
        '{"type":"progress","runs":[{"run_id":"run-20260301-030000-backup-00000000","phase":"a","disk_id":null,"done":1,"total":2,"at":"2026-03-01T03:00:00Z"}]}',
      ],
    ],
  ])("%s: ended with a reason in the log, others undisturbed", async (_name, texts) => {
    const hub = await hubOn(await open());
    const good = hub.call();
    const epoch = randomUUID();
    await good.greet({ epoch });
    const bad = hub.call();
    await new Promise((resolve) => bad.socket.once("open", resolve));
    for (const text of texts) bad.say(text);
    if (texts.length === 0) {
      await until(() => hub.link.hub.stats().connections === 2);
      hub.clock.ahead = 16_000;
      hub.link.hub.tick();
    }
    const { reason } = await bad.closed;
    expect(["MALFORMED_FRAME", "OUT_OF_ORDER", "TIMED_OUT"]).toContain(reason);
    expect(hub.reasons()).toContain(reason);
    good.send({ type: "events", epoch, events: envelopes(1, logged("still here")) });
    expect(await good.next("acknowledged")).toMatchObject({ seq: 1 });
    expect(hub.link.hub.stats().connections).toBe(1);
  });

  it("frames of unknown kinds are skipped and counted", async () => {
    const hub = await hubOn(await open());
    const caller = hub.call();
    const epoch = randomUUID();
    await caller.greet({ epoch });
    caller.say('{"type":"dance","partner":7}');
    caller.say('{"type":"dance","partner":8}');
    caller.send({ type: "events", epoch, events: envelopes(1, logged("on")) });
    await caller.next("acknowledged");
    expect(hub.link.hub.stats()).toMatchObject({ unknownFrames: 2, connections: 1 });
    expect(hub.log.filter(({ kind }) => kind === "dance")).toHaveLength(1);
  });

  it("a frame that is too large, a flood, and more batches than the window end the connection", async () => {
    const hub = await hubOn(await open(), { frames: { burst: 20, perSecond: 1 }, window: 2 });
    const large = hub.call();
    await large.greet();
    large.say("x".repeat(2 * 1024 * 1024));
    expect((await large.closed).code).toBe(1009);
    const flood = hub.call();
    await flood.greet();
    for (let n = 0; n < 40; n += 1) flood.say('{"type":"dance"}');
    expect((await flood.closed).reason).toBe("FLOOD");
    const pings = hub.call();
    await pings.greet();
    for (let n = 0; n < 40; n += 1) pings.socket.ping();
    expect((await pings.closed).reason).toBe("FLOOD");
    const eager = hub.call();
    const epoch = randomUUID();
    await eager.greet({ epoch });
    for (let n = 1; n <= 5; n += 1) eager.send({ type: "events", epoch, events: envelopes(n, logged(`${n}`)) });
    expect((await eager.closed).reason).toBe("WINDOW_EXCEEDED");
    await until(() => hub.link.hub.stats().connections === 0);
  });

  it("a certificate that ends while its connection stands ends it", async () => {
    const hub = await hubOn(await open());
    const caller = hub.call();
    await caller.greet();
    hub.clock.ahead = 31 * 24 * 3_600_000;
    hub.link.hub.tick();
    expect(await caller.closed).toMatchObject({ reason: "CERTIFICATE_EXPIRED" });
    const late = hub.call();
    await expect(late.greet()).rejects.toThrow("403");
    expect(hub.reasons()).toContain("CERTIFICATE_EXPIRED");
  });

  it("foreign certificates, none, TLS 1.2 and plaintext do not come as far as HTTP", async () => {
    const hub = await hubOn(await open());
    await using foreign = await testAuthority();
    const stranger = newIdentity(foreign.authority);
    await expect(call(hub.port, stranger, place.authority.rootPem).greet()).rejects.toThrow();
    const mine = hub.identity();
    await expect(hub.call(mine, { maxVersion: "TLSv1.2" }).greet()).rejects.toThrow();
    await expect(hub.call({ ...mine, cert: "", key: "" }).greet()).rejects.toThrow();
    await plaintext(hub.port);
    await until(() => hub.log.filter(({ msg }) => msg.includes("was refused")).length >= 4);
    for (const { reason } of hub.log) expect(reason).toMatch(/\w/);
    for (const { source } of hub.log) expect(source).toMatch(/127\.0\.0\.1$/);
    await hub.call(mine).greet();
  });

  it("other paths and plain requests are refused", async () => {
    const hub = await hubOn(await open());
    const { cert, key } = hub.identity();
    const answer = await new Promise<string>((resolve) => {
      const socket = connectTls({ port: hub.port, host: "localhost", ca: place.authority.rootPem, cert, key }, () =>
        socket.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
      );
      socket.once("data", (data) => {
        socket.destroy();
        resolve(data.toString());
      });
    });
    expect(answer).toMatch(/^HTTP\/1.1 426 /);
  });
});

/** Until the other side has had enough. */
function plaintext(port: number): Promise<void> {
  const socket = connectTcp(port, "127.0.0.1", () => socket.write("GET /link HTTP/1.1\r\nHost: a\r\n\r\n"));
  return new Promise((resolve) => {
    socket.on("error", () => resolve());
    socket.on("close", () => resolve());
    socket.resume();
  });
}
