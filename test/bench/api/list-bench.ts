/** How quickly lists answer over a large fleet's years, asked over HTTPS of `holdfast serve`, on both databases. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { openStore } from "../../../controller/src/store/store.ts";
import { startPostgres } from "../../helpers/postgres-server.ts";
import type { Bench, BenchOptions, Report } from "../bench.ts";
import type { Ask } from "./asks.ts";
import { rowsScanned, seed } from "./seed.ts";
import { type ApiServer, startServer } from "./server.ts";

/** `statements`: SQL that both databases take and that fills them; indexes are made after it. */
export type ListBench = {
  name: string;
  about: string;
  statements: () => readonly string[];
  asks: readonly Ask[];
  /** For so long after its start (milliseconds) it is watched whether the controller answers at all. */
  watchedMs: number;
};

/** Of less than a hundred the slowest one would be the 99th percentile. */
const ASKS_OF_RUN = 200;
const LIMIT_SECONDS = 0.05;
/** An agent's heartbeat, an alert, a person who clicks: nobody notices a wait as short. */
const STALL_SECONDS = 0.1;
const ALIVE: Ask = { name: "/healthz", path: () => "/healthz" };

type Place = { file: string } | { url: string };
type Times = Map<Ask, number[]>;

export function listBench(lists: ListBench): Bench {
  const { name, about } = lists;
  return { name, about, cases: ["sqlite", "postgres"], run: (options, report) => runLists(lists, options, report) };
}

async function runLists(lists: ListBench, { cases, scratch, runs }: BenchOptions, report: Report): Promise<void> {
  const isWanted = (name: string) => cases.length === 0 || cases.includes(name);
  const data = (name: string) => join(scratch, name);
  const asked = { asks: lists.asks, watchedMs: lists.watchedMs, runs, report };
  if (isWanted("sqlite")) {
    const folder = data("sqlite");
    await fill({ name: "sqlite", folder, place: { file: join(folder, "controller.db") } }, lists, report);
    await measure("sqlite", await startServer(folder, null), asked);
  }
  if (isWanted("postgres")) {
    await using database = await startPostgres({ durable: true });
    const url = database.url("postgres");
    await fill({ name: "postgres", folder: data("postgres"), place: { url } }, lists, report);
    const before = await rowsScanned(url);
    await measure("postgres", await startServer(data("postgres"), url), asked);
    const after = await rowsScanned(url);
    const scanned = [...after].map(([table, rows]) => `${table} ${rows - (before.get(table) ?? 0)}`);
    report.say(`postgres: rows read from whole tables: ${scanned.filter((line) => !line.endsWith(" 0")).join(", ")}`);
  }
}

type Filled = { name: string; folder: string; place: Place };

/** As long as a controller would have needed years for it. */
async function fill({ name, folder, place }: Filled, { statements }: ListBench, report: Report): Promise<void> {
  const start = performance.now();
  await mkdir(folder, { mode: 0o700 });
  await (await openStore(place)).close();
  await seed(place, statements());
  report.say(`${name}: filled within ${((performance.now() - start) / 1000).toFixed(0)} s`);
}

type Asked = Pick<ListBench, "asks" | "watchedMs"> & { runs: number; report: Report };

async function measure(name: string, started: ApiServer, { asks, watchedMs, runs, report }: Asked): Promise<void> {
  await using server = started;
  const start = performance.now();
  const watch = server.watch();
  const all = [ALIVE, ...asks];
  const times: Times = new Map(all.map((ask) => [ask, []]));
  // In turn, so that what else the machine does hits all of them alike.
  for (let time = 0; time < runs * ASKS_OF_RUN; time += 1) {
    const asker = await server.asSomebody(`bench-${time}`);
    for (const ask of all) times.get(ask)?.push(await asker(ask.path(time)));
  }
  for (const ask of all) {
    const [middle, slow] = [part(times.get(ask) ?? [], 0.5), part(times.get(ask) ?? [], 0.99)];
    const title = `${name}: ${ask.name}`;
    report.row({ case: `${title}, p50`, value: middle, unit: "s", sense: "at most", limit: null });
    const limit = ask === ALIVE ? null : LIMIT_SECONDS;
    report.row({ case: `${title}, p99`, value: slow, unit: "s", sense: "at most", limit });
  }
  await pause(Math.max(0, watchedMs - (performance.now() - start)));
  const stall = { case: `${name}: longest time without any answer`, value: await watch.end(), unit: "s" } as const;
  report.row({ ...stall, sense: "at most", limit: STALL_SECONDS });
}

function part(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * share)] ?? Number.NaN;
}
