import type { SourceSpec } from "@holdfast/protocol";
import { warmUpScan } from "../blockmap/scan.ts";
import type { BackupRequest } from "./engine.ts";

/** Starts the threads that will hash these sources, where it is known already that all of one is looked at. */
export function warmUpFor(type: BackupRequest["type"], sources: readonly SourceSpec[]): void {
  if (type === "full" || sources.some(hasNoBitmap)) warmUpScan();
}

/** What a bitmap names of the others is hashed without a thread, when it is little. */
function hasNoBitmap(source: SourceSpec): boolean {
  return source.kind === "block" || (source.kind === "file" && source.format !== "qcow2");
}
