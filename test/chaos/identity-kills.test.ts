/** kill -9 at every step of making an authority, enrolling and renewing that another process or a power cut could see. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { clientIdentity, isEnrolled } from "../../agent/src/identity/client-identity.ts";
import { enrol } from "../../agent/src/identity/enrol.ts";
import { renewExpired, tidyIdentity } from "../../agent/src/identity/renew.ts";
import { openAuthority } from "../../controller/src/adapters/pki/authority.ts";
import { verifyAgentCertificate } from "../../controller/src/adapters/pki/verify.ts";
import { admitCertificate } from "../../controller/src/services/certificates/admit.ts";
import { failure, identityBench } from "../helpers/identity-bench.ts";
import { type KillPoint, killPoints, runWork, serveIdentities } from "../helpers/identity-kill.ts";
import { caller, type IdentityServer } from "../helpers/identity-server.ts";
import { sampled } from "../helpers/sample.ts";

const bench = identityBench();

/** Every how many kill points one is tried; 1 tries them all, which takes a minute. */
const STRIDE = Number(process.env["HOLDFAST_KILL_STRIDE"] ?? sampled(6, 1));

/** Runs `one` for kill points of these steps, two at a time; resolves with their number. */
async function each(
  steps: readonly string[],
  one: (point: KillPoint, index: number) => Promise<void>,
): Promise<number> {
  const points = killPoints(steps).filter((_, index, all) => index % STRIDE === 0 || index === all.length - 1);
  const left = [...points.entries()];
  const lane = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) await one(next[1], next[0]);
  };
  await Promise.all([lane(), lane()]);
  return points.length;
}

async function isAdmitted(server: IdentityServer, stateDir: string): Promise<string> {
  const { cert, agentId } = await clientIdentity(stateDir);
  const verdict = verifyAgentCertificate(server.authority, cert, new Date());
  if (!verdict.ok) throw new Error(verdict.message);
  expect(await admitCertificate(server.context, caller, verdict)).toEqual({ ok: true });
  expect(verdict.agentId).toBe(agentId);
  return agentId;
}

it("a first start that is killed leaves no authority or a whole one", async () => {
  const work = (folder: string) => ({ do: "authority", folder: join(folder, "data", "pki") }) as const;
  const { steps } = await runWork(work(join(bench.folder, "whole", "state")));
  expect(steps.length).toBeGreaterThan(15);
  await each(steps, async (point, index) => {
    const folder = join(bench.folder, `authority-${index}`);
    expect(await runWork(work(folder), point), JSON.stringify(point)).toMatchObject({ killed: true });
    const names = await readdir(join(folder, "data", "pki")).catch(() => []);
    expect(names.length === 0 || names.length === 4, `${JSON.stringify(point)}: ${names}`).toBe(true);
    await openAuthority(join(folder, "data", "pki"), new Date());
    expect(await readdir(join(folder, "data"))).toEqual(["pki"]);
  });
});

it("a host that is killed while it enrols becomes exactly one agent with the same token", async () => {
  const server = await bench.controller();
  const work = async (stateDir: string) =>
    ({ do: "enrol", stateDir, controllerUrl: server.url, token: await server.token() }) as const;
  const { steps } = await runWork(await work(join(bench.folder, "whole", "state")));
  expect(steps.length).toBeGreaterThan(12);
  const agents = new Set([(await clientIdentity(join(bench.folder, "whole", "state"))).agentId]);
  const killed = await each(steps, async (point, index) => {
    const stateDir = join(bench.folder, `host-${index}`, "state");
    const order = await work(stateDir);
    expect(await runWork(order, point), JSON.stringify(point)).toMatchObject({ killed: true });
    if (await isEnrolled(stateDir)) await isAdmitted(server, stateDir);
    const { message } = await enrol(bench.wish(order.controllerUrl, order.token, { stateDir }));
    expect(message).toMatch(/^enrolled/);
    await tidyIdentity(stateDir);
    expect(await readdir(join(stateDir, "identity"))).toEqual(["identity.json"]);
    agents.add(await isAdmitted(server, stateDir));
  });
  expect(agents.size).toBe(killed + 1);
  const stored = await server.context.store.read((db) => db.$count(db.tables.agents));
  expect(stored).toBe(agents.size);
  expect(await server.context.store.read((db) => db.$count(db.tables.certificates))).toBe(agents.size);
});

it("an agent that is killed while it renews keeps an identity that the controller admits", async () => {
  const server = await bench.controller();
  const enrolled = async (stateDir: string) =>
    (await enrol(bench.wish(server.url, await server.token(), { stateDir }))).identity.agentId;
  const whole = join(bench.folder, "whole", "state");
  await enrolled(whole);
  const { steps } = await runWork({ do: "renew", stateDir: whole });
  expect(steps.length).toBeGreaterThan(10);
  await each(steps, async (point, index) => {
    const stateDir = join(bench.folder, `host-${index}`, "state");
    const agentId = await enrolled(stateDir);
    const order = { do: "renew", stateDir } as const;
    expect(await runWork(order, point), JSON.stringify(point)).toMatchObject({ killed: true });
    expect(await isAdmitted(server, stateDir)).toBe(agentId);
    await tidyIdentity(stateDir);
    await renewExpired(stateDir, () => new Date());
    expect(await isAdmitted(server, stateDir)).toBe(agentId);
    expect(await readdir(join(stateDir, "identity"))).toEqual(["identity.json"]);
  });
});

it.each(["in-transaction", "after-commit", "before-answer"] as const)(
  "a controller that is killed %s knows one agent when the host asks again",
  async (dieAt) => {
    const folder = join(bench.folder, "controller");
    const first = await serveIdentities({ do: "serve", folder, dieAt });
    await expect(enrol(bench.wish(first.url, first.token))).rejects.toMatchObject(
      failure("CONTROLLER_UNREACHABLE", /cut/),
    );
    await first.gone;
    expect(await isEnrolled(bench.state)).toBe(false);
    const server = await bench.controller();
    const { message } = await enrol(bench.wish(server.url, first.token));
    expect(message).toMatch(dieAt === "in-transaction" ? /^enrolled as web/ : /the same answer/);
    await isAdmitted(server, bench.state);
    const count = await server.context.store.read((db) => db.$count(db.tables.agents));
    expect(count).toBe(1);
    const thief = enrol(bench.wish(server.url, first.token, { stateDir: join(bench.folder, "thief") }));
    await expect(thief).rejects.toMatchObject(failure("CONTROLLER_REFUSED", /was used/));
  },
);
