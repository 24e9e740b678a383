import { spawn } from "node:child_process";
import { resolve } from "node:path";

export const projectRoot = resolve(import.meta.dirname, "../..");

export type ToolResult = { code: number; stdout: string; stderr: string };

/**
 * Runs one of the workspace's own tools (`node_modules/.bin/<tool>`) and waits for it.
 * Resolves with its exit code (1 when a signal ended it) and both outputs; rejects only when it cannot start.
 */
export async function runTool(tool: string, args: readonly string[], cwd = projectRoot): Promise<ToolResult> {
  const child = spawn(resolve(projectRoot, "node_modules/.bin", tool), args, {
    cwd,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const result = { code: 1, stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream].setEncoding("utf8").on("data", (text: string) => {
      result[stream] += text;
    });
  }
  return new Promise((done, refuse) => {
    child.once("error", refuse);
    child.once("close", (code) => done({ ...result, code: code ?? 1 }));
  });
}
