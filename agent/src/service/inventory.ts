/** What the host protects, as it is told to the controller. */
import { statfs } from "node:fs/promises";
import { isDeepStrictEqual } from "node:util";
import type { Inventory } from "@holdfast/protocol";
import { asHoldfastError } from "../errors.ts";
import { openRepository } from "../repository/marker.ts";
import { lookAtTools } from "../runner/tools.ts";
import { inventoryParts } from "./inventory-parts.ts";
import type { Protected, ProtectedRepository } from "./policy/protect.ts";
import type { ServiceHost } from "./service-host.ts";

type Reported = Inventory["repositories"][number];

async function takeInventory({ repositories, items, config }: Protected, now: Date): Promise<Inventory> {
  const tools = await lookAtTools();
  return {
    at: now.toISOString(),
    repositories: await Promise.all(repositories.map(report)),
    items,
    tools: Object.fromEntries(tools.map(({ name, version }) => [name, version ?? "missing"])),
    time_zone: new Intl.DateTimeFormat().resolvedOptions().timeZone,
    floor: config.floor,
  };
}

async function report(entry: ProtectedRepository): Promise<Reported> {
  const told = { ...entry, state_reason: null, free_bytes: null };
  try {
    await openRepository(entry.path, entry.repository_id);
    const { bavail, bsize } = await statfs(entry.path);
    return { ...told, state: "ready", free_bytes: bavail * bsize };
  } catch (error) {
    const { code, message } = asHoldfastError(error, `opening ${entry.path}`);
    const states: Partial<Record<typeof code, Reported["state"]>> = {
      REPOSITORY_INVALID: "absent",
      NOT_FOUND: "absent",
      REPOSITORY_DAMAGED: "damaged",
    };
    return { ...told, state: states[code] ?? "unknown", state_reason: message.slice(0, 4000) };
  }
}

/** What is larger than any event may be is not told; the host works all the same. */
function tell({ spool, warn }: ServiceHost, taken: Inventory): void {
  const { parts, tooLarge } = inventoryParts(taken);
  for (const id of tooLarge) warn(`${id} is too large to be told to the controller, with all its disks and paths`);
  try {
    spool.append(parts.map((body) => ({ kind: "inventory", body })));
  } catch (error) {
    const known = asHoldfastError(error, "telling what is protected");
    if (known.code !== "BAD_REQUEST") throw known;
    warn(`what this host protects cannot be told to the controller: ${known.message} (${known.details ?? ""})`);
  }
}

/** Tells the inventory; `always` unless given, else only when it says something new, whose free space has no part in. */
export function inventoryTeller(host: ServiceHost): (wish: { always: boolean }) => Promise<void> {
  let last: object | undefined;
  return async ({ always }) => {
    const taken = await takeInventory(host.protected(), host.now());
    const { at: _at, ...rest } = taken;
    const said = { ...rest, repositories: rest.repositories.map((one) => ({ ...one, free_bytes: null })) };
    if (!always && isDeepStrictEqual(said, last)) return;
    tell(host, taken);
    last = said;
  };
}
