/** The configuration that commands go by: the host's own, and what its controller adds, as the service has it. */
import { resolve } from "node:path";
import type { HostPolicy } from "@holdfast/protocol";
import type { Config } from "../config/schema.ts";
import { asHoldfastError } from "../errors.ts";
import { hasController } from "../runner/telling/open-telling.ts";
import { refuseOther } from "../service/policy/make-repository.ts";
import { type Protected, type ProtectedItem, type ProtectedRepository, protect } from "../service/policy/protect.ts";

export type HostConfig = Omit<Config, "items" | "repositories"> & {
  items: ProtectedItem[];
  repositories: ProtectedRepository[];
  /** What came of the controller's policy; its version is null while there is none. */
  policy: Pick<Protected, "refused"> & { version: number | null };
  /** What the service runs by itself. */
  plans: Protected["plans"];
};

/**
 * Makes nothing: a repository that the service has not made yet is one that cannot be opened. While the policy cannot
 * be read, the host's own configuration is in force alone, with a warning.
 */
export async function hostConfig(own: Config, warn: (sentence: string) => void): Promise<HostConfig> {
  const policy = await keptPolicy(own.state_dir).catch((error: unknown) => {
    const { message } = asHoldfastError(error, "reading the controller's policy");
    warn(`what the controller has this host protect is not known here: ${message}`);
    return null;
  });
  const check = async ({ path, repository_id }: ProtectedPlace) => refuseOther(resolve(path), repository_id);
  const { items, repositories, plans, refused, policyVersion } = await protect(own, policy, check);
  return { ...own, items, repositories, plans, policy: { version: policyVersion, refused } };
}

type ProtectedPlace = Pick<ProtectedRepository, "path" | "repository_id">;

async function keptPolicy(stateDir: string): Promise<HostPolicy | null> {
  if (!(await hasController(stateDir))) return null;
  const { openSpool } = await import("../spool/spool.ts");
  const spool = openSpool(stateDir);
  try {
    return spool.policy.get();
  } finally {
    spool.close();
  }
}
