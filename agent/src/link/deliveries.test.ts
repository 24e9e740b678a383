import { randomUUID } from "node:crypto";
import { beforeAll, expect, test } from "vitest";
import { testCommand } from "../spool/test-events.ts";
import { startAgent, until } from "./test-agent.ts";
import { type Certificates, makeCertificates } from "./test-certificates.ts";
import { startController, type TestController } from "./test-controller.ts";

let certificates: Certificates;
beforeAll(async () => {
  certificates = await makeCertificates();
});

const identity = ({ url }: TestController) => ({ ...certificates.client, ca: certificates.ca, agentUrl: url });

test("commands, policy and cancel are handed on in order, each new one once", async () => {
  await using controller = await startController(certificates);
  await using agent = startAgent({ identity: () => identity(controller) });
  await until("streaming", () => agent.link.status().phase === "streaming");
  const command = testCommand();
  const policy = (version: number) => ({ version, issued_at: command.created_at, repositories: [], items: [] });
  controller.send({ type: "policy", policy: policy(3) });
  controller.send({ type: "command", command });
  controller.send({ type: "cancel", command_id: command.command_id });
  controller.send({ type: "policy", policy: policy(2) });
  controller.send({ type: "command", command });
  controller.send({ type: "policy", policy: policy(4) });
  await until("all handed on", () => agent.policies.length === 2);
  const expected = ["policy 3", "command", `cancel ${command.command_id}`, "policy 4"];
  expect(agent.told.filter((told) => !told.startsWith("tell again"))).toEqual(expected);
  await until("accepted", () => controller.applied.some(({ body }) => body["state"] === "accepted"));
  controller.cut();
  await until("connected anew", () => controller.connections === 2 && controller.heard.at(-1)?.type === "heartbeat");
  expect(controller.heard.findLast(({ type }) => type === "hello")).toMatchObject({ policy_version: 4 });
  controller.send({ type: "command", command });
  await until("told again", () => controller.applied.filter(({ kind }) => kind === "command_changed").length === 2);
  expect(agent.commands).toEqual([command]);
});

test("a hook that throws is logged, and those behind it go on", async () => {
  await using controller = await startController(certificates);
  const onCommand = () => Promise.reject(new Error("no such item"));
  await using agent = startAgent({ identity: () => identity(controller), hooks: { onCommand } });
  await until("streaming", () => agent.link.status().phase === "streaming");
  controller.send({ type: "command", command: testCommand() });
  controller.send({ type: "cancel", command_id: randomUUID() });
  await until("cancelled", () => agent.told.some((told) => told.startsWith("cancel")));
  expect(agent.log).toContain("error the command from the controller failed: no such item");
  expect(controller.connections).toBe(1);
});

test("a new certificate is asked for, stored, and used for the next connection", async () => {
  await using controller = await startController(certificates);
  let reads = 0;
  await using agent = startAgent({
    identity: () => {
      reads += 1;
      return identity(controller);
    },
  });
  expect(agent.link.renew("csr")).toBe(false);
  await until("streaming", () => agent.link.status().phase === "streaming");
  expect(agent.link.renew("csr")).toBe(true);
  await until("asked", () => controller.heard.some(({ type }) => type === "renew"));
  controller.send({ type: "renew_refused", code: "BAD_CSR", message: "no" });
  controller.send({ type: "certificate", chain: "new chain" });
  await until("connected anew", () => controller.connections === 2);
  expect(agent.told).toEqual(expect.arrayContaining(["renew refused BAD_CSR", "certificate new chain"]));
  expect(controller.closes).toEqual(["1000 a new certificate"]);
  expect(reads).toBe(2);
});

test("progress goes when there is a connection, and is not kept when there is none", async () => {
  await using controller = await startController(certificates);
  await using agent = startAgent({ identity: () => identity(controller) });
  const at = new Date().toISOString();
  const run = { run_id: "run-20260301-120000-backup-0123abcd", phase: "copy", disk_id: 0, done: 1, total: 2, at };
  expect(agent.link.progress([run])).toBe(false);
  await until("streaming", () => agent.link.status().phase === "streaming");
  expect(agent.link.progress([])).toBe(false);
  expect(agent.link.progress([{ ...run, done: 2 }])).toBe(true);
  await until("heard", () => controller.heard.some(({ type }) => type === "progress"));
  const heard = controller.heard.filter(({ type }) => type === "progress");
  expect(heard).toEqual([{ type: "progress", runs: [{ ...run, done: 2 }] }]);
  expect(agent.spool.counts().waiting).toBe(0);
});
