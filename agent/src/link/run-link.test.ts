import { randomUUID } from "node:crypto";
import { beforeAll, expect, test } from "vitest";
import { openSpool } from "../spool/spool.ts";
import { result } from "../spool/test-events.ts";
import { startAgent, until } from "./test-agent.ts";
import { type Certificates, makeCertificates } from "./test-certificates.ts";
import { type Passing, startController, type TestController } from "./test-controller.ts";

let certificates: Certificates;
beforeAll(async () => {
  certificates = await makeCertificates();
});

const identity = ({ url }: TestController) => ({ ...certificates.client, ca: certificates.ca, agentUrl: url });
const results = (count: number) => Array.from({ length: count }, (_, n) => result(`result ${n}`));
const kind = ({ from, frame }: Passing) => `${from} ${frame.type}`;

test("what waits is told in order, what comes later as it comes, and the spool is empty after", async () => {
  await using controller = await startController(certificates);
  let ids: (string | null)[] = [];
  await using agent = startAgent({
    identity: () => identity(controller),
    before: (spool) => {
      ids = spool.append(results(1200));
    },
  });
  await until("all told", () => controller.applied.length === 1200 && agent.spool.counts().waiting === 0);
  ids.push(...agent.spool.append(results(1)));
  const person = openSpool(agent.folder);
  ids.push(...person.append(results(2)));
  person.close();
  await until("the later ones too", () => controller.applied.length === 1203 && agent.spool.counts().waiting === 0);
  expect(controller.applied.map(({ event_id }) => event_id)).toEqual(ids);
  expect(controller.connections).toBe(1);
  expect(controller.heard[0]).toMatchObject({ type: "hello", spool: { last_seq: 1200 }, policy_version: 0 });
  expect(controller.heard[1]).toMatchObject({ type: "resume", reason: "new-spool", gap: null });
  expect(agent.told).toEqual(["tell again new-spool"]);
  expect(agent.link.status()).toMatchObject({ phase: "streaming", lastProblem: null });
});

test("cut at any frame of either side, everything is told once", async () => {
  const story = async (cutAt: number): Promise<number> => {
    await using controller = await startController(certificates);
    let frames = 0;
    controller.fate = (passing) => {
      if (passing.frame.type === "heartbeat") return "pass";
      frames += 1;
      return frames === cutAt ? "cut" : "pass";
    };
    let ids: (string | null)[] = [];
    await using agent = startAgent({
      identity: () => identity(controller),
      before: (spool) => {
        ids = spool.append(results(1100));
      },
    });
    await until(`all told, cut at ${cutAt}`, () => agent.spool.counts().waiting === 0);
    expect(controller.applied.map(({ event_id }) => event_id)).toEqual(ids);
    expect(controller.gaps).toEqual([]);
    expect(controller.epochs.size).toBe(1);
    const down = agent.log.filter((line) => line.includes("the link is down"));
    for (const line of down)
      expect(line).toMatch(/\((?:the connection was cut|the controller at .*)\); the next attempt/);
    expect(controller.connections).toBe(cutAt === 0 ? 1 : 2);
    return frames;
  };
  const frames = await story(0);
  expect(frames).toBeGreaterThanOrEqual(10);
  for (let cutAt = 1; cutAt <= frames; cutAt++) await story(cutAt);
});

test("frames that come twice change nothing", async () => {
  await using controller = await startController(certificates);
  controller.fate = (passing) => (kind(passing) === "controller acknowledged" ? "twice" : "pass");
  await using agent = startAgent({
    identity: () => identity(controller),
    before: (spool) => void spool.append(results(1100)),
  });
  await until("all told", () => agent.spool.counts().waiting === 0);
  expect(controller.applied).toHaveLength(1100);
  expect(controller.connections).toBe(1);
});

test("an acknowledgement of what was not sent ends the connection and drops nothing", async () => {
  await using controller = await startController(certificates);
  controller.fate = (passing) => (kind(passing) === "agent events" ? "drop" : "pass");
  await using agent = startAgent({
    identity: () => identity(controller),
    before: (spool) => void spool.append(results(10)),
  });
  await until("streaming", () => agent.link.status().phase === "streaming");
  const { epoch } = agent.spool.place().acknowledged;
  controller.send({ type: "acknowledged", epoch, seq: 11, event_id: randomUUID() });
  await until("hung up", () => controller.closes.length === 1);
  expect(controller.closes).toEqual(["1002 event 11 was acknowledged and never sent"]);
  expect(agent.spool.counts().waiting).toBe(10);
  controller.fate = () => "pass";
  await until("all told", () => agent.spool.counts().waiting === 0);
});

test("nor does an acknowledgement that names another event", async () => {
  await using controller = await startController(certificates);
  controller.fate = (passing) => (kind(passing) === "controller acknowledged" ? "drop" : "pass");
  await using agent = startAgent({
    identity: () => identity(controller),
    before: (spool) => void spool.append(results(10)),
  });
  await until("told", () => controller.applied.length === 10);
  controller.fate = () => "pass";
  const { epoch } = agent.spool.place().acknowledged;
  controller.send({ type: "acknowledged", epoch, seq: 10, event_id: randomUUID() });
  await until("hung up", () => controller.closes.length === 1);
  expect(controller.closes).toEqual(["1011 event 10 is not the one that was acknowledged"]);
  await until("told again, and in step", () => agent.spool.counts().waiting === 0);
  expect(controller.applied).toHaveLength(10);
});

test("a controller that was rolled back is told the facts again, and of the gap", async () => {
  await using controller = await startController(certificates);
  await using agent = startAgent({
    identity: () => identity(controller),
    before: (spool) => void spool.append(results(5)),
    hooks: {
      tellAgain: (reason) => void (reason === "controller-behind" && agent.spool.append([result("a fact, again")])),
    },
  });
  await until("told", () => agent.spool.counts().waiting === 0);
  const { epoch } = agent.spool.place().acknowledged;
  controller.epochs.set(epoch, { applied: { epoch, seq: 2, event_id: null }, closed: false });
  controller.cut();
  await until("the fact came", () => controller.applied.some(({ body }) => body["outcome"] === "a fact, again"));
  expect(controller.gaps).toEqual([{ epoch, from_seq: 3, to_seq: 5 }]);
  await until("settled", () => agent.spool.facts.owed() === null);
});

test("a spool that was rolled back opens a new epoch, and nothing is applied twice", async () => {
  await using controller = await startController(certificates);
  await using agent = startAgent({
    identity: () => identity(controller),
    before: (spool) => void spool.append(results(5)),
  });
  await until("told", () => agent.spool.counts().waiting === 0);
  const { epoch } = agent.spool.place().acknowledged;
  // As if the host had come back from an image of before: the controller knows more than the spool ever wrote.
  controller.epochs.set(epoch, { applied: { epoch, seq: 50, event_id: randomUUID() }, closed: false });
  controller.cut();
  agent.spool.append([result("after the image")]);
  await until("told in a new epoch", () => controller.applied.length === 6);
  expect(controller.epochs.size).toBe(2);
  expect(agent.spool.place().acknowledged.epoch).not.toBe(epoch);
  await until("facts told", () => agent.told.includes("tell again spool-behind"));
});
