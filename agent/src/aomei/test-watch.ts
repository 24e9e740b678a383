/** A watcher on real files, with the memory of one process and a clock that the test moves. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AomeiEntry } from "@holdfast/protocol";
import { type AomeiSettings, aomeiSettings } from "../config/aomei-settings.ts";
import { type AomeiEvent, type AomeiFacts, memoryFacts } from "./facts.ts";
import { createWatcher, type PassResult } from "./watcher.ts";

export type TestWatch = Disposable & {
  folder: string;
  log: string;
  facts: ReturnType<typeof memoryFacts>;
  events: AomeiEvent[];
  entries: () => AomeiEntry[];
  pass: (settings?: Partial<AomeiSettings>) => Promise<PassResult>;
  /** A new process: only the facts are known. */
  restart: () => void;
  later: (ms: number) => void;
  bodies: <Kind extends AomeiEvent["kind"]>(kind: Kind) => Extract<AomeiEvent, { kind: Kind }>["body"][];
};

export function testWatch(wrap: (facts: AomeiFacts) => AomeiFacts = (facts) => facts): TestWatch {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-aomei-"));
  const events: AomeiEvent[] = [];
  const facts = memoryFacts((event) => events.push(event));
  let nowMs = Date.now();
  const begin = () =>
    createWatcher({ facts: wrap(facts), now: () => new Date(nowMs), log: () => undefined, platform: "linux" });
  let watcher = begin();
  const log = join(folder, "brlog.xml");
  const bodies: TestWatch["bodies"] = (kind) =>
    events.flatMap((event) => (event.kind === kind ? [event.body as never] : []));
  return {
    folder,
    log,
    facts,
    events,
    bodies,
    entries: () => bodies("aomei_entry"),
    pass: (settings = {}) =>
      watcher.pass(
        { ...aomeiSettings.parse({ result_logs: [{ path: log }] }), ...settings },
        new AbortController().signal,
      ),
    restart: () => {
      watcher = begin();
    },
    later: (ms) => {
      nowMs += ms;
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** When the entries that were told ended, in seconds after those of `testSeries` begin. */
export const times = (watch: TestWatch): number[] =>
  watch.entries().map(({ ended_at }) => Date.parse(ended_at ?? "") / 1000 - 1_700_000_000);

/** The states that were told, each with the codes of its findings. */
export const states = (watch: TestWatch): string[] =>
  watch
    .bodies("aomei_source_state")
    .map(({ state, findings }) => [state, ...findings.map(({ code }) => code)].join(" "));
