/** The programs that the agent needs. */
import { run } from "../exec.ts";

const TOOLS = ["qemu-img", "qemu-storage-daemon"] as const;

export type Tool = { name: string; state: "found" | "missing"; version: string | null };

export async function lookAtTools(): Promise<Tool[]> {
  return await Promise.all(TOOLS.map(lookAtTool));
}

async function lookAtTool(name: string): Promise<Tool> {
  try {
    const { stdout } = await run(name, ["--version"], { timeoutMs: 10_000 });
    return { name, state: "found", version: /version (\S+)/.exec(stdout)?.[1] ?? null };
  } catch {
    return { name, state: "missing", version: null };
  }
}
