import { statfs } from "node:fs/promises";
import { asHoldfastError } from "../../errors.ts";
import { clientIdentity } from "../../identity/client-identity.ts";
import { lookAtTools } from "../../runner/tools.ts";
import { agentVersion } from "../../version.ts";
import { rulesOf, type ServiceHost } from "../service-host.ts";
import type { CommandResult, Handler } from "./task.ts";

type Details = NonNullable<CommandResult["details"]>;

/** What somebody far away asks first about a host that does not behave. */
export const agentDiagnose: Handler<"agent.diagnose"> = async (_args, { host, begin }) => {
  begin();
  const { config, repositories, items, policyVersion, refused } = host.protected();
  const { waiting, usedBytes, dropped, room } = host.spool.counts();
  const details: Details = {
    version: agentVersion(),
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
    clock: host.now().toISOString(),
    up_seconds: Math.round(process.uptime()),
    memory_bytes: process.memoryUsage.rss(),
    config_file: config.file ?? "none",
    state_dir: config.state_dir,
    link: host.linkState().slice(0, 4000),
    certificate_until: (await clientIdentity(host.stateDir)).notAfter.toISOString(),
    spool_events: waiting,
    spool_bytes: usedBytes,
    spool_room: room,
    spool_dropped: dropped,
    runs_now: host.running.size,
    repositories: repositories.length,
    items: items.length,
    policy_version: policyVersion ?? "none",
    policy_refused: refused.length,
    ...(await folders(host)),
  };
  for (const { name, version } of await lookAtTools()) details[name] = version ?? "missing";
  return { summary: `holdfast-agent ${agentVersion()}: ${waiting} events wait, the spool is ${room}`, details };
};

async function folders(host: ServiceHost): Promise<Details> {
  const { state_dir, scratch_dir } = rulesOf(host);
  const free = async (folder: string): Promise<string | number> => {
    try {
      const { bavail, bsize } = await statfs(folder);
      return bavail * bsize;
    } catch (error) {
      return asHoldfastError(error, folder).message;
    }
  };
  return { state_dir_free_bytes: await free(state_dir), scratch_dir_free_bytes: await free(scratch_dir) };
}

export const agentRotateCertificate: Handler<"agent.rotate-certificate"> = async (_args, { host, begin, signal }) => {
  begin();
  await host.rotateCertificate(signal);
  const { notAfter } = await clientIdentity(host.stateDir);
  const until = notAfter.toISOString();
  return { summary: `a certificate for a new key is in force until ${until}`, details: { certificate_until: until } };
};
