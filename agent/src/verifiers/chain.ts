/** The line of parents down to the full, and each image that the point is read through. */
import type { Finding, Sidecar } from "@holdfast/protocol";
import { sidecarName } from "../repository/layout.ts";
import type { Part } from "./part.ts";
import { checkStructure } from "./structure.ts";

export const chain: Part = {
  name: "chain",
  run: async (context) => {
    const { line, findings, options } = context;
    findings.add(...line.broken);
    findings.add(...line.layers.flatMap((layer, index) => linkFaults(layer, line.layers[index - 1])));
    const [full] = line.layers;
    if (line.broken.length === 0 && full !== undefined) findings.add(...fullFaults(full));
    if (options.parentProven !== undefined) return { ran: true };
    for (let index = line.layers.length - 2; index >= 0; index--) await checkStructure(context, index);
    return { ran: true };
  },
};

/** What two neighbours of a chain contradict each other about (pure). */
function linkFaults(layer: Sidecar, parent: Sidecar | undefined): Finding[] {
  if (parent === undefined) return [];
  const about = [
    ...(layer.parent_backup_id === parent.backup_id ? [] : ["who the parent is"]),
    ...(layer.full_backup_id === parent.full_backup_id ? [] : ["the full of their chain"]),
    ...(layer.chain_position === parent.chain_position + 1 ? [] : ["their order"]),
    ...(layer.chain_number === parent.chain_number ? [] : ["the number of the chain"]),
    ...(layer.total_bytes === parent.total_bytes ? [] : ["the size of the disk"]),
  ];
  if (about.length === 0) return [];
  const message = `${layer.backup_id} and ${parent.backup_id} disagree about ${about.join(" and ")}`;
  return [{ code: "CHAIN_INCONSISTENT", message, file: sidecarName(layer.backup_id) }];
}

function fullFaults(full: Sidecar): Finding[] {
  if (full.backup_type === "full" && full.chain_position === 0) return [];
  const message = `${full.backup_id} begins the chain and is no full`;
  return [{ code: "CHAIN_INCONSISTENT", message, file: sidecarName(full.backup_id) }];
}
