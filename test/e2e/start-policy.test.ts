/** The whole of `npm start`: the controller at work by itself, for some minutes; undisturbed, and killed in the middle. */
import { randomInt } from "node:crypto";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { type Demo, startDemo } from "../helpers/demo-process.ts";
import { randomFrom } from "../helpers/kill-random.ts";

type Told = {
  proven: boolean;
  steps: { step: string; what: string; result: string }[];
  notes: { heading: string; lines: string[] }[];
  backups: { backup_id: string; status: string; tags: Record<string, string> }[];
  programs: { name: string; restarts: number }[];
  repository: string;
};

const MINUTES_MS = 600_000;
const ENGINE = [
  ...["controller: ready", "enrol: done", "define: done", "make a disk: done", "full backup: completed"],
  ...["verify full: passed", "change data: done", "increment: completed", "verify incremental: passed"],
  ...["drill: passed", "restore: passed", "aomei: told", "change data: done", "second full: completed"],
];
const CONTROL = [
  ...["mail: done", "policy: done", "scheduled run: completed", "preview: done", "retention: applied"],
  ...["host stopped: told", "missed run: missed", "host back: resolved", "next run: resolved"],
];

/** Starts it in a folder of its own, and leaves nothing behind. */
async function withDemo(args: string[], use: (demo: Demo, folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-start-"));
  const demo = startDemo(folder, ...args);
  try {
    await use(demo, folder);
  } finally {
    demo.signal("SIGTERM");
    await demo.ended;
    await rm(folder, { recursive: true, force: true });
  }
}

async function endOf(started: Demo): Promise<Told> {
  const { code, stdout } = await started.ended;
  expect(code, `${started.lines.join("\n")}\n${stdout}`).toBe(0);
  return JSON.parse(stdout) as Told;
}

/** The older chain is gone, the newer one is there; on the disk lies what the controller calls completed, each once. */
async function expectOneTruth({ backups, repository }: Told): Promise<void> {
  const completed = backups.filter(({ status }) => status === "completed");
  expect(completed.flatMap(({ tags }) => tags["data-version"] ?? [])).toEqual(["3"]);
  const names = await readdir(repository, { recursive: true });
  const files = names.filter((name) => name.endsWith(".qcow2.json"));
  const lies = await Promise.all(
    files.map(async (name) => JSON.parse(await readFile(join(repository, name), "utf8")) as { backup_id: string }),
  );
  expect(lies.map(({ backup_id }) => backup_id).sort()).toEqual(completed.map(({ backup_id }) => backup_id).sort());
}

describe.concurrent("npm start, the whole of it", () => {
  it(
    "a policy runs by itself, retention takes the older chain, a missed run is told by mail, and a report is written",
    {
      timeout: MINUTES_MS,
    },
    () =>
      withDemo(["--once", "--json"], async (demo, folder) => {
        const told = await endOf(demo);
        expect(told.proven).toBe(true);
        const steps = told.steps.map(({ step, result }) => `${step}: ${result}`);
        expect(steps.slice(0, ENGINE.length + CONTROL.length)).toEqual([...ENGINE, ...CONTROL]);
        expect(steps.slice(ENGINE.length + CONTROL.length)).toEqual([
          ...[expect.stringMatching(/^health: /), expect.stringMatching(/^3-2-1-1-0: /)],
          ...["report: written", "agree: passed"],
        ]);
        await expectOneTruth(told);
        const lines = (heading: RegExp) => told.notes.find((note) => heading.test(note.heading))?.lines ?? [];
        expect(lines(/^previewed/)).toHaveLength(3);
        const marks = lines(/^retention/);
        expect(marks.filter((line) => /^remove .*no rule keeps it: the newest 2/.test(line))).toHaveLength(2);
        expect(marks.filter((line) => /^keep /.test(line)).length).toBeGreaterThan(1);
        const mails = lines(/^the mails/).map((line) => line.replace(/^\S+ +/, ""));
        const whatMatters = mails.filter((line) => /test message|is offline|did not run/.test(line));
        expect(whatMatters.toSorted()).toEqual([
          expect.stringMatching(/^Holdfast: a test message$/),
          expect.stringMatching(/^critical: the agent demo-host is offline/),
          expect.stringMatching(/^critical: the backup of sample-server that was due at \S+ did not run/),
          expect.stringMatching(/^resolved: critical: the agent demo-host is offline/),
          expect.stringMatching(/^resolved: critical: the backup of sample-server that was due at \S+ did not run/),
        ]);
        const page = await readFile(join(folder, "demo", "fleet-report.html"), "utf8");
        expect(page).toMatch(/^<!doctype html>/i);
        expect(page).toContain("sample-server");
      }),
  );
});

const STEPS = ["mail", "policy", "retention", "missed run", "next run"] as const;

describe.concurrent("npm start, the whole of it, killed by hand", () => {
  const seed = Number(process.env["SEED"] ?? randomInt(1_000_000));

  it(`ends in the same truth (seed ${seed})`, { timeout: MINUTES_MS }, () =>
    withDemo(["--json"], async (started) => {
      const random = randomFrom(seed, "npm start");
      const kills = STEPS.map(async (step, index) => {
        const after = random.below(2000);
        await started.line(new RegExp(`^step: ${step}$`));
        await sleep(after);
        started.kill(index % 2 === 0 ? "controller" : "agent");
      });
      await started.line(/^both run on/);
      await Promise.all(kills);
      started.signal("SIGINT");
      const told = await endOf(started);
      expect(told.proven).toBe(true);
      const restarts = told.programs.reduce((sum, program) => sum + program.restarts, 0);
      expect(restarts, started.lines.join("\n")).toBeGreaterThan(2);
      await expectOneTruth(told);
    }),
  );
});
