import { readFileSync } from "node:fs";
import { run } from "./exec.ts";

/** The agent's own version. */
export function agentVersion(): string {
  const text = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}

let qemu: Promise<string> | undefined;

/** QEMU's version, e.g. `7.2.22 (Debian 1:7.2+dfsg-7)`; asked once. Throws TOOL_MISSING. */
export function qemuVersion(): Promise<string> {
  qemu ??= run("qemu-img", ["--version"], { timeoutMs: 10_000 }).then(
    ({ stdout }) => /version (.*)/.exec(stdout)?.[1] ?? "unknown",
    (error: unknown) => {
      qemu = undefined;
      throw error;
    },
  );
  return qemu;
}
