/** A host with a policy, whose sleep, runs and kills a test decides about. */
import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { openNotebook } from "../../agent/src/schedule/notebook.ts";
import type { Json } from "../../controller/src/http/test-client.ts";
import { makeServiceHost } from "./service-host.ts";

const DAY_MS = 86_400_000;

export type ScheduleHost = Awaited<ReturnType<typeof makeScheduleHost>>;

/** Daily at 03:00 UTC, proven after each backup; `policy` says what else it is. */
export async function makeScheduleHost(policy: (host: { agentId: string }) => Json, diskBytes?: number) {
  const host = await makeServiceHost(diskBytes);
  const agentId = await host.enroll();
  host.start();
  await host.known();
  const { status, body, text } = await host.call("POST", "/api/v1/policies", policy({ agentId }));
  if (status !== 201) throw new Error(text);
  const stateDir = join(host.hostFolder, "state");
  const ledger = join(stateDir, "runs");
  const planned = async (): Promise<Json[]> => (await host.cli("status")).document["planned"] as Json[];
  while ((await planned()).length < 3) await new Promise((wake) => setTimeout(wake, 100));
  return {
    ...host,
    ...{ agentId, policyId: String(body["policy_id"]), planned },
    stop: async (how: NodeJS.Signals = "SIGTERM"): Promise<void> => {
      const service = host.services.at(-1);
      service?.child.kill(how);
      await service?.ended;
    },
    /** As if the host had slept for so long; its service must not run. */
    asleep: (days: number): void => {
      const notebook = openNotebook(stateDir, { now: new Date(), log: () => undefined });
      const settledThrough = new Date(Date.now() - days * DAY_MS);
      notebook.put(
        [...notebook.all().values()].map((one) => {
          const at = one.id.endsWith("/backup") ? settledThrough : one.state.settledThrough;
          return { ...one, state: { kind: "idle", settledThrough: at, asked: null } };
        }),
      );
      notebook.close();
    },
    /** The host's own records, in the order in which they began. */
    runs: async (): Promise<Json[]> => {
      const names = (await readdir(ledger)).filter((name) => name.endsWith(".json"));
      const texts = await Promise.all(names.map((name) => readFile(join(ledger, name), "utf8")));
      const all = texts.map((text) => JSON.parse(text) as Json);
      return all.toSorted((one, other) => (String(one["started_at"]) < String(other["started_at"]) ? -1 : 1));
    },
    forgetRuns: async (): Promise<void> => {
      await rm(ledger, { recursive: true });
      await mkdir(ledger, { mode: 0o700 });
    },
  };
}
