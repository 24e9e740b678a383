/** Hundreds of agents in one process: the agent's own link with its own patience, each on a TLS connection of its own. */
import { randomUUID } from "node:crypto";
import { readFileSync, writeSync } from "node:fs";
import { createInterface } from "node:readline";
import type { LinkHooks } from "../../../agent/src/link/ports.ts";
import { runLink } from "../../../agent/src/link/run-link.ts";
import type { Spool, SpoolView } from "../../../agent/src/spool/port.ts";
import type { EventEnvelope } from "../../../protocol/src/index.ts";
import type { CrowdAsk, CrowdIdentities, CrowdWord } from "../../helpers/fleet-crowd.ts";
import { batchOf } from "../../helpers/fleet-facts.ts";

const TELL_MS = 200;
const HOOKS: LinkHooks = {
  onCommand: () => undefined,
  onCancel: () => undefined,
  onPolicy: () => undefined,
  onCertificate: () => undefined,
  onRenewRefused: () => undefined,
  tellAgain: () => undefined,
  running: () => [],
};

/** As much of a spool as a link needs, in memory: a thousand files would measure this machine's disk. */
function memorySpool(): Spool & { waiting: () => number } {
  let view: SpoolView = {
    acknowledged: { epoch: randomUUID(), seq: 0, event_id: null },
    lastSeq: 0,
    opened: { reason: "new-spool", gap: null },
  };
  let events: EventEnvelope[] = [];
  let changes = 0;
  let looked = 0;
  const never = (): never => {
    throw new Error("not in this spool");
  };
  return {
    append: (added) => {
      changes += 1;
      return added.map(({ kind, body }) => {
        const seq = view.lastSeq + 1;
        const event_id = randomUUID();
        view = { ...view, lastSeq: seq };
        events.push({ seq, event_id, kind, at: new Date().toISOString(), body: body as Record<string, unknown> });
        return event_id;
      });
    },
    pending: (afterSeq, most) => ({
      epoch: view.acknowledged.epoch,
      events: events.filter(({ seq }) => seq > afterSeq).slice(0, most),
    }),
    place: () => view,
    eventIdAt: (at) => events.find(({ seq }) => seq === at)?.event_id ?? null,
    acknowledge: (place) => {
      view = { ...view, acknowledged: place };
      events = events.filter(({ seq }) => seq > place.seq);
      return true;
    },
    dataChanged: () => {
      const isNew = changes !== looked;
      looked = changes;
      return isNew;
    },
    counts: () => ({ waiting: events.length, usedBytes: 0, dropped: 0, room: "ample" }),
    waiting: () => events.length,
    policy: { put: () => false, get: () => null },
    facts: {
      owe: () => undefined,
      owed: () => null,
      settle: never,
      generation: () => 0,
      told: () => [],
      eachTold: () => undefined,
    },
    commands: { note: never, change: never, unfinished: () => [], get: () => null },
    ...{ openEpoch: never, assertRoom: () => undefined, intents: () => [], record: never, close: () => undefined },
  };
}

const [file = "", port = "", first = "0"] = process.argv.slice(2);
const { ca, key, certificates } = JSON.parse(readFileSync(file, "utf8")) as CrowdIdentities;
const ending = new AbortController();
const all = certificates.map((cert) => {
  const spool = memorySpool();
  const identity = () => ({ ca, key, cert, agentUrl: `wss://127.0.0.1:${port}` });
  // A connection that stood for a second counts as one that stood for a minute.
  const timing = { stableMs: 1000 };
  const ports = { spool, identity, hooks: HOOKS, now: () => new Date(), log: () => undefined, timing };
  return { spool, link: runLink(ports, ending.signal) };
});

function tell(): void {
  const streaming = all.filter(({ link }) => link.status().phase === "streaming").length;
  const waiting = all.reduce((sum, { spool }) => sum + spool.waiting(), 0);
  const word: CrowdWord = { streaming, waiting };
  writeSync(1, `${JSON.stringify(word)}\n`);
}

setInterval(tell, TELL_MS);
for await (const line of createInterface({ input: process.stdin })) {
  const { number } = JSON.parse(line) as CrowdAsk;
  for (const [index, { spool }] of all.entries())
    spool.append(batchOf({ agent: 0, number: number + Number(first) + index }));
  tell();
}
process.exit(0);
