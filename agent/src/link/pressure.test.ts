import { beforeAll, expect, test } from "vitest";
import type { SpoolEvent } from "../spool/outbox.ts";
import { result, testCommand } from "../spool/test-events.ts";
import type { LinkIdentity } from "./ports.ts";
import { startAgent, until } from "./test-agent.ts";
import { type Certificates, makeCertificates } from "./test-certificates.ts";
import { startController } from "./test-controller.ts";

let certificates: Certificates;
beforeAll(async () => {
  certificates = await makeCertificates();
});
const ours = (agentUrl: string): LinkIdentity => ({ ...certificates.client, ca: certificates.ca, agentUrl });

/** A result of about 200 kB. */
function bigResult(): SpoolEvent {
  const at = "2026-03-01T12:00:00.000Z";
  const findings = Array.from({ length: 100 }, () => ({ code: "BAD_BLOCK", message: "x".repeat(1950) }));
  const verification = {
    ...{ verification_id: "v", backup_id: "backup-web-0123ab-disk0-20260301-120000", parts: [], reason: "r", findings },
    ...{ status: "failed" as const, cached: false, bytes_checked: 1, findings_total: 100, duration_seconds: 1 },
    ...{ started_at: at, verified_at: at },
  };
  const body = { repository_id: "main", run_id: null, told_again: false, verification };
  return { kind: "verification_recorded", body };
}

test("a controller that reads slowly does not fill our memory", async () => {
  await using controller = await startController(certificates);
  controller.settings = { heartbeatSeconds: 60, window: 64 };
  let furthest = 0;
  await using agent = startAgent({
    identity: () => ours(controller.url),
    before: (spool) => {
      for (let n = 0; n < 30; n++) spool.append(Array.from({ length: 8 }, bigResult));
      const { pending } = spool;
      spool.pending = (after, ...more) => {
        furthest = Math.max(furthest, after);
        return pending(after, ...more);
      };
    },
  });
  controller.fate = ({ frame }) => {
    if (frame.type === "ready") setImmediate(() => controller.pause());
    return "pass";
  };
  await until("some sent", () => furthest > 0);
  await new Promise((wake) => setTimeout(wake, 500));
  // 48 MB wait; at most the socket's 5 MB and what the kernel takes have left the spool.
  expect(furthest).toBeLessThan(140);
  controller.resume();
  await until("all told", () => agent.spool.counts().waiting === 0);
  expect(controller.applied).toHaveLength(240);
  expect(controller.connections).toBe(1);
}, 30_000);

test("events that are not acknowledged end the connection though heartbeats go both ways", async () => {
  await using controller = await startController(certificates);
  controller.fate = ({ frame }) => (frame.type === "events" ? "drop" : "pass");
  await using agent = startAgent({
    identity: () => ours(controller.url),
    timing: { stallMs: 300 },
    before: (spool) => void spool.append([result("a")]),
  });
  await until("given up", () => controller.closes.length > 0);
  expect(controller.closes[0]).toBe("1002 no acknowledgement for 0.3 s");
  controller.fate = () => "pass";
  await until("told", () => agent.spool.counts().waiting === 0);
});

test("a controller that is silent for three heartbeats is taken for dead", async () => {
  await using controller = await startController(certificates);
  await using agent = startAgent({ identity: () => ours(controller.url) });
  await until("streaming", () => agent.link.status().phase === "streaming");
  await new Promise((wake) => setTimeout(wake, 3300));
  expect(agent.link.status()).toMatchObject({ phase: "streaming", lastProblem: null });
  controller.pause();
  await until("given up", () => agent.link.status().lastProblem !== null);
  expect(agent.link.status().lastProblem).toBe("nothing was heard for 3 heartbeats");
  await until("connected anew", () => agent.link.status().phase === "streaming");
}, 20_000);

test("a daemon that is busy makes the link stop reading, and gets everything in the end", async () => {
  await using controller = await startController(certificates);
  const release = Promise.withResolvers<void>();
  let begun = 0;
  await using agent = startAgent({
    identity: () => ours(controller.url),
    hooks: {
      onCommand: () => {
        begun += 1;
        return release.promise;
      },
    },
  });
  await until("streaming", () => agent.link.status().phase === "streaming");
  for (let n = 0; n < 200; n++) controller.send({ type: "command", command: testCommand() });
  await until("one begun", () => begun === 1);
  agent.spool.append([result("its acknowledgement waits behind the commands")]);
  await until("told", () => controller.applied.length > 1);
  await new Promise((wake) => setTimeout(wake, 200));
  expect(agent.spool.counts().waiting).toBeGreaterThan(0);
  expect(agent.spool.commands.unfinished()).toHaveLength(1);
  release.resolve();
  await until("all begun", () => begun === 200);
  await until("all accepted", () => controller.applied.length === 201 && agent.spool.counts().waiting === 0);
  expect(controller.connections).toBe(1);
});

test("a spool that fails makes the connection useless, not the agent", async () => {
  await using controller = await startController(certificates);
  let broken = true;
  await using agent = startAgent({
    identity: () => ours(controller.url),
    before: (spool) => {
      spool.append([result("a")]);
      const { acknowledge } = spool;
      spool.acknowledge = (place) => {
        if (broken) throw new Error("no space left");
        return acknowledge(place);
      };
    },
  });
  await until("failed", () => controller.closes.length > 1);
  expect(controller.closes[0]).toBe("1011 no space left");
  broken = false;
  await until("told", () => agent.spool.counts().waiting === 0);
  expect(controller.applied).toHaveLength(1);
});

test.each(["connecting", "waiting", "streaming"])("it ends at once when it is told to while %s", async (phase) => {
  await using controller = await startController(certificates);
  const never = new Promise<LinkIdentity>(() => undefined);
  const agent = startAgent({
    identity: () => (phase === "connecting" ? never : ours(phase === "waiting" ? "wss://127.0.0.1:1" : controller.url)),
    timing: { firstDelayMs: 1e6, longestDelayMs: 1e6 },
  });
  await until(phase, () => agent.link.status().phase === phase);
  const begun = performance.now();
  await agent[Symbol.asyncDispose]();
  expect(performance.now() - begun).toBeLessThan(1500);
  expect(agent.link.status().phase).toBe("stopped");
});
