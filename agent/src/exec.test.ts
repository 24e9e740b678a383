import { hash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { describe, expect, it, vi } from "vitest";
import { scratchFolder } from "../../test/helpers/nbd-servers.ts";
import { isAlive, startScript } from "../../test/helpers/scripts.ts";
import { run, startDaemon } from "./exec.ts";

const shell = (script: string, ...args: string[]): [string, string[]] => ["sh", ["-c", script, "sh", ...args]];
const quick = { timeoutMs: 10_000 };

/** The members of a process group that live. */
async function membersOf(group: number): Promise<number[]> {
  const { stdout } = await run("ps", ["-e", "-o", "pid=,pgid=,stat="], quick);
  const rows = stdout.trim().split("\n");
  const own = rows.map((row) => row.trim().split(/\s+/)).filter(([, pgid, state]) => pgid === `${group}` && state);
  return own.filter(([, , state]) => !state?.startsWith("Z")).map(([pid]) => Number(pid));
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 5000;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error("it did not come true within 5 s");
    await wait(20);
  }
}

describe("a command", () => {
  it("gets its arguments untouched by any shell and runs in the C locale", async () => {
    const odd = ["$HOME", "a b", "'", '"', "`id`", ";", "*", "", "ü\n"];
    const { stdout } = await run(...shell('printf "%s|" "$@"; printf %s "$LC_ALL"', ...odd), quick);
    expect(stdout).toBe(`${odd.join("|")}|C`);
  });

  it("fails with the end of its standard error, and with an answer's exit code does not", async () => {
    const failing = shell("seq 100000 >&2; echo the reason >&2; exit 3");
    const error = await run(...failing, quick).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "TOOL_FAILED", message: "sh failed (exit code 3)" });
    expect((error as { details: string }).details).toMatch(/\n100000\nthe reason$/);
    expect((error as { details: string }).details.length).toBeLessThanOrEqual(4000);
    expect(await run(...failing, { ...quick, okCodes: [0, 3] })).toMatchObject({ code: 3 });
  });

  it("that is not installed is missing, one that finds no space says so", async () => {
    const missing = run("holdfast-no-such-tool", [], quick);
    await expect(missing).rejects.toMatchObject({ code: "TOOL_MISSING", remedy: expect.stringMatching(/Install/) });
    const full = run("dd", ["if=/dev/zero", "of=/dev/full", "count=1"], quick);
    await expect(full).rejects.toMatchObject({ code: "NO_SPACE" });
  });

  it.for(["TIMEOUT", "CANCELLED"] as const)("that goes on for ever ends by %s, with all it started", async (code) => {
    const stop = new AbortController();
    let line = "";
    const onOutput = (text: string): void => {
      line += text;
      if (code === "CANCELLED") stop.abort();
    };
    const limits = { timeoutMs: code === "TIMEOUT" ? 300 : 60_000, signal: stop.signal, onOutput };
    const started = performance.now();
    await expect(run(...shell("trap '' TERM; sleep 1000 & echo $!; wait"), limits)).rejects.toMatchObject({ code });
    expect(performance.now() - started).toBeLessThan(5000);
    expect(Number(line)).toBeGreaterThan(1);
    await until(async () => !(await isAlive(Number(line))));
  });

  it("is not even started when it was cancelled before", async () => {
    const signal = AbortSignal.abort();
    await expect(run("true", [], { ...quick, signal })).rejects.toMatchObject({ code: "CANCELLED" });
  });

  it("that prints without end is ended", async () => {
    const printing = run("yes", ["x".repeat(1000)], { timeoutMs: 30_000 });
    await expect(printing).rejects.toMatchObject({ code: "TOOL_FAILED", message: "yes printed without end" });
  });

  it("cannot take more memory than it may", async () => {
    const limited = run("dd", ["if=/dev/zero", "of=/dev/null", "bs=512M", "count=1"], {
      ...quick,
      memoryLimit: 100 * 2 ** 20,
    });
    await expect(limited).rejects.toMatchObject({
      code: "TOOL_FAILED",
      details: expect.stringMatching(/memory exhausted/),
    });
  });

  it("reads each secret from a file descriptor that it can open by name, and it stands nowhere else", async () => {
    const secrets = [Buffer.from("first \x00\xff bytes"), Buffer.alloc(30_000, 0x5a), Buffer.from("third\n")];
    const { stdout } = await run(...shell("for n in 3 4 5; do sha256sum /proc/self/fd/$n; done"), {
      ...quick,
      secrets,
    });
    expect(stdout.match(/^[0-9a-f]{64}/gm)).toEqual(secrets.map((each) => hash("sha256", each)));
    const { stdout: exposed } = await run(...shell("cat /proc/$$/cmdline /proc/$$/environ"), {
      ...quick,
      secrets: [Buffer.from("hush-hush")],
    });
    expect(exposed).not.toContain("hush-hush");
  });

  it("runs in a folder, and never what lies there", async () => {
    await using folder = await scratchFolder();
    for (const name of ["dd", "no-such-tool"])
      await writeFile(join(folder.path, name), "#!/bin/sh\necho planted", { mode: 0o755 });
    vi.stubEnv("PATH", `.::${process.env["PATH"]}`);
    vi.stubEnv("CDPATH", "/usr");
    try {
      const inFolder = { ...quick, cwd: folder.path };
      expect((await run(...shell("pwd"), inFolder)).stdout).toBe(`${folder.path}\n`);
      expect((await run("dd", ["--version"], inFolder)).stdout).toContain("coreutils");
      await expect(run("no-such-tool", [], inFolder)).rejects.toMatchObject({ code: "TOOL_MISSING" });
      expect((await run(...shell("pwd"), { ...quick, cwd: "lib" }).catch(() => null))?.stdout).not.toBe("/usr/lib\n");
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it("with secrets keeps its exit code", async () => {
    const secrets = [Buffer.from("a"), Buffer.from("b")];
    await expect(run(...shell("exit 7"), { ...quick, secrets })).rejects.toMatchObject({
      message: expect.stringMatching(/exit code 7/),
    });
  });
});

describe("a daemon", () => {
  it("ends when asked, also one that does not listen", async () => {
    for (const script of ["exec sleep 1000", "trap '' TERM; while :; do sleep 1; done"]) {
      const daemon = await startDaemon(...shell(script), {});
      await until(async () => (await membersOf(daemon.pid)).length > 2);
      await daemon.stop();
      expect(await membersOf(daemon.pid)).toEqual([]);
    }
  }, 20_000);

  it("tells how it ended by itself", async () => {
    const daemon = await startDaemon(...shell("echo why >&2; exit 5"), {});
    expect(await daemon.ended).toMatchObject({ code: 5, stderr: "why" });
    await daemon.stop();
  });

  it("does not outlive the agent, even when the agent is killed at once", async () => {
    await using agent = startScript("keep-daemon", []);
    const group = Number(await agent.line());
    expect((await readFile(`/proc/${agent.pid}/cmdline`, "utf8")).includes("keep-daemon")).toBe(true);
    await until(async () => (await membersOf(group)).length > 2);
    await agent.kill("SIGKILL");
    await until(async () => (await membersOf(group)).length === 0);
  });
});
