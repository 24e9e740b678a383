import { createServer as createHttp } from "node:http";
import { type AddressInfo, createServer as createTcp, type Server } from "node:net";
import { beforeAll, expect, test } from "vitest";
import type { LinkIdentity } from "./ports.ts";
import { startAgent, type TestAgent, until } from "./test-agent.ts";
import { type Certificates, makeCertificates } from "./test-certificates.ts";
import { startController, type TestController } from "./test-controller.ts";

let certificates: Certificates;
let foreign: Certificates;
beforeAll(async () => {
  [certificates, foreign] = await Promise.all([makeCertificates(), makeCertificates()]);
});

const ours = (agentUrl: string): LinkIdentity => ({ ...certificates.client, ca: certificates.ca, agentUrl });

async function listening(server: Server): Promise<{ url: string } & AsyncDisposable> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const close = () => new Promise<void>((resolve) => server.close(() => resolve()));
  return { url: `wss://127.0.0.1:${port}`, [Symbol.asyncDispose]: close };
}

/** Waits until the agent has failed and tried again at least twice; why it last failed. */
async function problemOf(agent: TestAgent): Promise<string> {
  await until("failed three times", () => agent.log.filter((line) => line.includes("the link is down")).length > 2);
  return agent.link.status().lastProblem ?? "";
}

async function refusedBy(controller: TestController, identity = ours(controller.url)): Promise<string> {
  await using agent = startAgent({ identity: () => identity });
  const problem = await problemOf(agent);
  expect(controller.heard).toEqual([]);
  return problem;
}

test("a controller of another root is told nothing", async () => {
  await using controller = await startController({ ...foreign, ca: certificates.ca });
  expect(await refusedBy(controller)).toMatch(/cannot be trusted: its certificate does not lead to the root/);
});

test("nor is a server of our root with another name, though it is the one that was asked for", async () => {
  await using controller = await startController({ ...certificates, server: certificates.misnamed });
  expect(await refusedBy(controller)).toMatch(/its certificate is not a controller's/);
});

test("nor an agent that plays controller", async () => {
  await using controller = await startController({ ...certificates, server: certificates.client });
  expect(await refusedBy(controller)).toMatch(/cannot be trusted/);
});

test("nor one that speaks no TLS 1.3", async () => {
  await using controller = await startController(certificates, { maxVersion: "TLSv1.2" });
  expect(await refusedBy(controller)).toMatch(/PROTOCOL_VERSION|protocol version/i);
});

test("an agent with a foreign certificate is refused, and says so", async () => {
  await using controller = await startController(certificates);
  const problem = await refusedBy(controller, { ...foreign.client, ca: certificates.ca, agentUrl: controller.url });
  expect(problem).toMatch(/cannot be reached|cannot be trusted/);
  expect(controller.connections).toBe(0);
});

test("a server without TLS hears nothing that it could read", async () => {
  const heard: Buffer[] = [];
  const plain = createTcp((socket) => {
    socket.on("error", () => undefined);
    socket.on("data", (data) => {
      heard.push(data);
      socket.end("HTTP/1.1 101 Switching Protocols\r\n\r\n");
    });
  });
  await using server = await listening(plain);
  await using agent = startAgent({ identity: () => ours(server.url) });
  expect(await problemOf(agent)).toMatch(/cannot be reached/);
  expect(Buffer.concat(heard).includes("GET /link")).toBe(false);
});

test("an address without TLS is not connected to", async () => {
  let connections = 0;
  const plain = createHttp();
  plain.on("connection", () => {
    connections += 1;
  });
  await using server = await listening(plain);
  await using agent = startAgent({ identity: () => ours(server.url.replace("wss:", "ws:")) });
  expect(await problemOf(agent)).toMatch(/is not the address of a controller's link/);
  expect(connections).toBe(0);
});

test("a server that takes the connection and says nothing is given up", async () => {
  const silent = createTcp((socket) => socket.on("error", () => undefined).resume());
  await using server = await listening(silent);
  await using agent = startAgent({ identity: () => ours(server.url), timing: { answerMs: 60 } });
  expect(await problemOf(agent)).toBe("no answer while connecting");
});

test.each(["hello", "resume"])("a controller that never answers to %s is given up, and tried again", async (type) => {
  await using controller = await startController(certificates);
  controller.fate = ({ frame }) => (frame.type === type ? "drop" : "pass");
  await using agent = startAgent({ identity: () => ours(controller.url), timing: { answerMs: 100 } });
  expect(await problemOf(agent)).toMatch(/^no answer while (greeting|resuming)$/);
  controller.fate = () => "pass";
  await until("streaming", () => agent.link.status().phase === "streaming");
});

test("an identity that cannot be read is tried again", async () => {
  await using controller = await startController(certificates);
  let reads = 0;
  await using agent = startAgent({
    identity: () => {
      reads += 1;
      if (reads < 3) throw new Error("not enrolled");
      return Promise.resolve(ours(controller.url));
    },
  });
  await until("streaming", () => agent.link.status().phase === "streaming");
  expect(agent.link.status().lastProblem).toBe("not enrolled");
});

test.each([
  ["no JSON", "rubbish", /^1002 the controller sent a frame that is no JSON/],
  ["another shape", '{"type":"acknowledged","epoch":7}', /^1002 the controller sent a frame of type acknowledged/],
  ["binary", Buffer.from([1, 2, 3]), /^1002 the controller sent/],
  ["more than a frame may hold", "x".repeat(1_100_000), /^1009/],
  ["a frame out of its turn", '{"type":"ready"}', /^1002 ready is not expected while streaming/],
])("%s from the controller ends the connection, not the agent", async (_name, text, reason) => {
  await using controller = await startController(certificates);
  await using agent = startAgent({ identity: () => ours(controller.url) });
  await until("streaming", () => agent.link.status().phase === "streaming");
  controller.sendRaw(text);
  await until("connected anew", () => controller.connections === 2 && agent.link.status().phase === "streaming");
  expect(controller.closes[0]).toMatch(reason);
});

test("a frame of a kind that a newer controller knows is passed over", async () => {
  await using controller = await startController(certificates);
  await using agent = startAgent({ identity: () => ours(controller.url) });
  await until("streaming", () => agent.link.status().phase === "streaming");
  controller.sendRaw('{"type":"later_kind","more":1}');
  await until("logged", () => agent.log.includes("warn a frame of the unknown kind later_kind was passed over"));
  expect(controller.connections).toBe(1);
});

test("a refusal is kept to, and one for good is loud", async () => {
  await using controller = await startController(certificates);
  controller.fate = ({ frame }) => {
    if (frame.type !== "hello") return "pass";
    controller.send({ type: "refused", code: "REVOKED", message: "no more", retry_after_seconds: null });
    return "drop";
  };
  await using agent = startAgent({ identity: () => ours(controller.url) });
  await until("waiting", () => agent.link.status().phase === "waiting");
  expect(agent.link.status().lastProblem).toBe("refused: REVOKED: no more");
  expect(agent.log.filter((line) => line.startsWith("error"))).toEqual([
    "error the controller refuses this agent until a person does something: REVOKED: no more",
    expect.stringMatching(/^error the link is down \(refused: REVOKED: no more\); the next attempt is in 3[6-9]\d\d/),
  ]);
  controller.fate = () => "pass";
  agent.link.reconnect("enrolled anew");
  await until("streaming", () => agent.link.status().phase === "streaming");
});
