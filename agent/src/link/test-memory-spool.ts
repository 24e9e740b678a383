/** A spool without a disk, for thousands of histories; the same histories are told to the real one, only fewer. */
import { randomUUID } from "node:crypto";
import { copyFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { SpoolPlace } from "@holdfast/protocol";
import type { SpoolView } from "../spool/port.ts";
import type { Gap, ResumeReason } from "../spool/row.ts";
import { openSpool } from "../spool/spool.ts";
import { result } from "../spool/test-events.ts";

/** What a connection needs of a spool, and what a rolled-back disk does to it. */
export type RollingSpool = {
  append(count: number): void;
  place(): SpoolView;
  eventIdAt(seq: number): string | null;
  pending(afterSeq: number, maxEvents: number): { seq: number; event_id: string }[];
  acknowledge(place: SpoolPlace): boolean;
  openEpoch(reason: ResumeReason, gap: Gap | null): SpoolView;
  owe(reason: ResumeReason): void;
  owes(): boolean;
  /** Keeps an image of the files under a number. */
  save(image: number): void;
  rollBack(image: number): void;
  close(): void;
};

type Content = { view: SpoolView; waiting: { seq: number; event_id: string }[]; owed: boolean };

export function memorySpool(): RollingSpool {
  const opening = (reason: ResumeReason, gap: Gap | null, lastSeq: number): SpoolView => ({
    acknowledged: { epoch: randomUUID(), seq: 0, event_id: null },
    lastSeq,
    opened: { reason, gap },
  });
  let now: Content = { view: opening("new-spool", null, 0), waiting: [], owed: true };
  const images: Content[] = [];
  const eventIdAt = (seq: number): string | null =>
    seq === now.view.acknowledged.seq
      ? now.view.acknowledged.event_id
      : (now.waiting.find((event) => event.seq === seq)?.event_id ?? null);
  return {
    append: (count) => {
      for (let n = 0; n < count; n++) now.waiting.push({ seq: ++now.view.lastSeq, event_id: randomUUID() });
    },
    place: () => structuredClone(now.view),
    eventIdAt,
    pending: (after, max) => now.waiting.filter(({ seq }) => seq > after).slice(0, max),
    acknowledge: ({ epoch, seq, event_id }) => {
      if (epoch !== now.view.acknowledged.epoch || seq > now.view.lastSeq || eventIdAt(seq) !== event_id) return false;
      now.view.acknowledged = { epoch, seq, event_id };
      now.waiting = now.waiting.filter((event) => event.seq > seq);
      return true;
    },
    openEpoch: (reason, gap) => {
      now.view = opening(reason, gap, now.waiting.length);
      now.waiting = now.waiting.map(({ event_id }, index) => ({ seq: index + 1, event_id }));
      now.owed = true;
      return structuredClone(now.view);
    },
    owe: () => {
      now.owed = true;
    },
    owes: () => now.owed,
    save: (image) => {
      images[image] = structuredClone(now);
    },
    rollBack: (image) => {
      now = structuredClone(images[image] ?? now);
    },
    close: () => undefined,
  };
}

export function rollingSpool(folder: string): RollingSpool {
  let spool = openSpool(folder);
  const path = join(folder, "spool.db");
  return {
    append: (count) => void spool.append(Array.from({ length: count }, (_, n) => result(`event ${n}`))),
    place: () => spool.place(),
    eventIdAt: (seq) => spool.eventIdAt(seq),
    pending: (after, max) => spool.pending(after, max, 1e9).events,
    acknowledge: (place) => spool.acknowledge(place),
    openEpoch: (reason, gap) => spool.openEpoch(reason, gap),
    owe: (reason) => spool.facts.owe(reason),
    owes: () => spool.facts.owed() !== null,
    save: (image) => {
      spool.close();
      copyFileSync(path, `${path}-image-${image}`);
      spool = openSpool(folder);
    },
    rollBack: (image) => {
      spool.close();
      for (const part of ["-wal", "-shm"]) rmSync(`${path}${part}`, { force: true });
      copyFileSync(`${path}-image-${image}`, path);
      spool = openSpool(folder);
    },
    close: () => spool.close(),
  };
}
