/** The policy last pushed, as it came: read again at each start, also while the controller is away. */
import type { DatabaseSync } from "node:sqlite";
import { type HostPolicy, hostPolicy } from "@holdfast/protocol";

/** Keeps a policy; false when it is not newer than the one that is kept. */
export function putPolicy(database: DatabaseSync, policy: HostPolicy): boolean {
  const { changes } = database
    .prepare(
      `INSERT INTO policy VALUES (1, ?, ?) ON CONFLICT (only) DO UPDATE SET version = excluded.version,
       policy = excluded.policy WHERE excluded.version > policy.version`,
    )
    .run(policy.version, JSON.stringify(policy));
  return changes > 0;
}

/** The policy that is kept; null before the first. */
export function getPolicy(database: DatabaseSync): HostPolicy | null {
  const row = database.prepare("SELECT policy FROM policy").get();
  return row === undefined ? null : hostPolicy.parse(JSON.parse(String(row["policy"])));
}
