/** What may become of one connection through a proxy. */
import type { Socket } from "node:net";
import { pause } from "./fleet-process.ts";

export type Side = "agent" | "controller";
/** `from`: whose bytes; `after`: so many of them went through before. */
type At = { from: Side; after: number };
export type Fate =
  | { do: "pass" }
  /** Ended before a byte went through. */
  | { do: "refuse" }
  /** Accepted, and never heard of again. */
  | { do: "black-hole" }
  /** One byte at a time. */
  | { do: "trickle" }
  /** Both ends are cut off without a goodbye. */
  | ({ do: "reset" } & At)
  /** The end of the stream in the middle of what is said. */
  | ({ do: "cut" } & At)
  /** Held back so long, then all of it at once; whoever sent it may be gone by then. */
  | ({ do: "hold"; ms: number } & At)
  | ({ do: "corrupt" } & At)
  | ({ do: "duplicate" } & At)
  /** What comes after this place in a piece goes before what stands before it. */
  | ({ do: "reorder" } & At);

export function fateName(fate: Fate): string {
  return "from" in fate ? `${fate.do} of the ${fate.from}'s bytes after ${fate.after}` : fate.do;
}

/** Carries bytes both ways as the fate has it; `done` once it was carried out. */
export function bend(fate: Fate, near: Socket, far: Socket, done: () => void): void {
  if (fate.do === "black-hole" || fate.do === "refuse") {
    far.destroy();
    near.resume();
    if (fate.do === "refuse") near.resetAndDestroy();
    done();
    return;
  }
  const once = onlyOnce(done);
  void carry(near, far, bentBy(fate, "agent", [near, far], once));
  void carry(far, near, bentBy(fate, "controller", [near, far], once));
}

/** Pieces of what one side says become the pieces that the other side gets. */
type Bending = (pieces: AsyncIterable<Buffer>) => AsyncIterable<Buffer>;

async function carry(from: Socket, to: Socket, bending: Bending): Promise<void> {
  for await (const piece of bending(eagerly(from))) if (to.writable) to.write(piece);
  to.end();
}

/** Reads ahead: what was sent is on its way, even when its sender is gone. */
async function* eagerly(socket: Socket): AsyncGenerator<Buffer> {
  const pieces: Buffer[] = [];
  let isOver = false;
  let wake = (): void => undefined;
  socket.on("data", (piece: Buffer) => {
    pieces.push(piece);
    wake();
  });
  for (const end of ["end", "close"])
    socket.on(end, () => {
      isOver = true;
      wake();
    });
  for (;;) {
    const next = pieces.shift();
    if (next !== undefined) yield next;
    else if (isOver) return;
    else
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
  }
}

function bentBy(fate: Fate, side: Side, sockets: readonly Socket[], done: () => void): Bending {
  if (fate.do === "trickle") return (pieces) => trickle(pieces, done);
  if (!("from" in fate) || fate.from !== side) return (pieces) => pieces;
  return (pieces) => atPlace(pieces, fate, sockets, done);
}

async function* trickle(pieces: AsyncIterable<Buffer>, done: () => void): AsyncGenerator<Buffer> {
  for await (const piece of pieces)
    for (const [index] of piece.entries()) {
      yield piece.subarray(index, index + 1);
      await new Promise((next) => setImmediate(next));
      done();
    }
}

type Placed = Extract<Fate, At>;

async function* atPlace(
  pieces: AsyncIterable<Buffer>,
  fate: Placed,
  sockets: readonly Socket[],
  done: () => void,
): AsyncGenerator<Buffer> {
  let passed = 0;
  for await (const piece of pieces) {
    const isHere = passed <= fate.after && passed + piece.length > fate.after;
    const at = fate.after - passed;
    passed += piece.length;
    if (!isHere) yield piece;
    else {
      yield* bentPiece(piece, at, fate, sockets);
      done();
      if (fate.do === "reset" || fate.do === "cut") return;
    }
  }
}

async function* bentPiece(piece: Buffer, at: number, fate: Placed, sockets: readonly Socket[]): AsyncGenerator<Buffer> {
  switch (fate.do) {
    case "reset":
      for (const socket of sockets) socket.resetAndDestroy();
      return;
    case "cut":
      yield piece.subarray(0, at);
      return;
    case "hold":
      await pause(fate.ms);
      yield piece;
      return;
    case "corrupt": {
      const changed = Buffer.from(piece);
      changed[at] = (changed[at] ?? 0) ^ 0x01;
      yield changed;
      return;
    }
    case "duplicate":
      yield piece;
      yield piece;
      return;
    case "reorder": {
      const middle = Math.max(at, 1);
      yield piece.subarray(middle);
      yield piece.subarray(0, middle);
      return;
    }
  }
}

function onlyOnce(work: () => void): () => void {
  let isDone = false;
  return () => {
    if (!isDone) work();
    isDone = true;
  };
}
