/** Where the demonstration lives: one folder with a controller's data, an agent's configuration and state, and a repository. */
import { mkdir, readdir, readFile } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { z } from "zod";
import { usageError } from "../../cli/answer.ts";
import { configFile } from "../../config/schema.ts";
import { writeDurably } from "../../durable.ts";

export type DemoPlace = {
  folder: string;
  /** The controller's data folder, and its root certificate. */
  data: string;
  ca: string;
  /** The agent's configuration and state. */
  config: string;
  state: string;
  /** The controller may define repositories here. */
  repositories: string;
  repository: string;
  work: string;
  sampleDisk: string;
  /** Where an entry of AOMEI Backupper's log appears at each start. */
  aomeiLog: string;
  /** The last report on the fleet. */
  report: string;
  /** The controller's configuration. */
  controllerConfig: string;
  controllerLog: string;
  agentLog: string;
  portsFile: string;
  tokenFile: string;
  lock: string;
};

export const REPOSITORY_ID = "main";
const MARKER = "demo.json";
const SCHEMA = "holdfast.demo/1";
const marker = z.object({ schema: z.literal(SCHEMA), folder: z.string() });

export function placeIn(base: string): DemoPlace {
  const folder = resolve(base, "demo");
  const inside = (...names: string[]): string => join(folder, ...names);
  return {
    folder,
    data: inside("controller"),
    ca: inside("controller", "pki", "root.pem"),
    config: inside("agent.json"),
    state: inside("agent"),
    repositories: inside("repositories"),
    repository: inside("repositories", REPOSITORY_ID),
    work: inside("work"),
    sampleDisk: inside("work", "disk.raw"),
    aomeiLog: inside("work", "brlog.xml"),
    report: inside("fleet-report.html"),
    controllerConfig: inside("controller.json"),
    controllerLog: inside("controller.log"),
    agentLog: inside("agent.log"),
    portsFile: inside("ports.json"),
    tokenFile: inside("enrolment-token"),
    lock: inside("demo.lock"),
  };
}

/**
 * Makes the place, or finds that of an earlier start. BAD_REQUEST: the folder holds other things, or was moved, which
 * a controller that knows absolute paths does not survive.
 */
export async function makeDemoPlace({ folder, work, repositories, state }: DemoPlace): Promise<void> {
  const found = await readdir(folder).catch((): string[] => []);
  const known = found.includes(MARKER) ? marker.parse(JSON.parse(await readFile(join(folder, MARKER), "utf8"))) : null;
  if (known === null && found.some((name) => !name.startsWith(MARKER)))
    throw usageError(`${folder} holds other things`, "Name another folder with --folder.");
  if (known !== null && known.folder !== folder)
    throw usageError(
      `${folder} was made as ${known.folder}`,
      `Move it back, or begin anew by removing it: rm -r ${folder}`,
    );
  for (const path of [folder, work, repositories, state]) await mkdir(path, { recursive: true, mode: 0o700 });
  await writeDurably(join(folder, MARKER), `${JSON.stringify({ schema: SCHEMA, folder })}\n`);
}

/**
 * The host's own rules: what may be read, and where the controller may have repositories. Items and repositories come
 * from the controller. Disks of earlier starts stay allowed.
 */
export async function writeAgentConfig(place: DemoPlace, disk: string): Promise<void> {
  const { config, state, repositories } = place;
  const before = await readFile(config, "utf8").then(
    (text) => configFile.parse(JSON.parse(text)).roots,
    () => [],
  );
  const roots = [...new Set([...before, dirname(place.sampleDisk), dirname(disk)])];
  const aomei = { result_logs: [{ path: place.aomeiLog }], poll_seconds: 1 };
  // Without it nothing of a demonstration would ever be old enough to be removed: the usual floor is 7 days and 7 points.
  const floor = { min_points: 2, min_age_days: 0 };
  const body = { state_dir: state, roots, repository_roots: [repositories], floor, aomei };
  await writeDurably(config, `${JSON.stringify(body, null, 2)}\n`);
}

/** Mail may go to this host, where the demonstration catches it; elsewhere inside nothing may be sent. */
export async function writeControllerConfig({ controllerConfig }: DemoPlace, mailHost: string): Promise<void> {
  await writeDurably(controllerConfig, `${JSON.stringify({ outbound_allow: [mailHost] }, null, 2)}\n`);
}

/** Paths as from where the user stands. */
export function shown(path: string): string {
  const short = relative(process.cwd(), path);
  return short.startsWith("..") ? path : short;
}
