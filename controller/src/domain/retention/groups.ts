import type { Point } from "./point.ts";

/** Chains never leave a disk's folder in one repository. */
export function groupOf({ agentId, repositoryId, diskId }: Point): string {
  return `${agentId}/${repositoryId}/${diskId}`;
}

export function groups(points: readonly Point[]): Point[][] {
  return [...Map.groupBy(points, groupOf).values()];
}
