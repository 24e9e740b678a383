import fc from "fast-check";
import { expect, test } from "vitest";
import { chunk, dataChunk, fields, simpleReply, statusChunk } from "../../../test/helpers/lying-nbd-server.ts";
import { createReplyParser } from "./parser.ts";
import { COMMAND } from "./protocol.ts";
import { createReplySink } from "./replies.ts";
import { addRequest, createLedger } from "./requests.ts";

const LENGTH = 3000;

/** One read in three parts out of order, one status, one error, one flush: interleaved as a server may send them. */
function stream(): Buffer {
  const hole = chunk(1n, 2, fields([8, 2000], [4, 1000]), 0);
  const error = chunk(3n, 0x8001, fields([4, 5], [2, 7], "bad sec"), 0);
  return Buffer.concat([
    ...[
      hole,
      dataChunk(1n, 500, 1500, 0),
      statusChunk(2n, [
        [100, 0],
        [2900, 3],
      ]),
      error,
      simpleReply(4n, 0),
    ],
    ...[dataChunk(3n, 0, 10, 0), dataChunk(1n, 0, 500), chunk(3n, 0x8002, fields([4, 28], [2, 0], [8, 20]))],
  ]);
}

function parse(bytes: Buffer, cuts: readonly number[]): { target: string; outcomes: string[]; left: number } {
  const ledger = createLedger();
  const target = Buffer.alloc(LENGTH, 0xff);
  const outcomes: string[] = [];
  const add = (command: 0 | 3 | 7, extra: object) => {
    const note = (what: string) => outcomes.push(`${ledger.pending.size} ${command} ${what}`);
    const submission = { command, offset: 0, length: LENGTH, ...extra };
    addRequest(
      ledger,
      submission,
      (answer) => note(answer.toString("hex")),
      (error) => note(error.message),
    );
  };
  add(COMMAND.read, { target });
  add(COMMAND.blockStatus, { context: 7 });
  add(COMMAND.read, { target: Buffer.alloc(LENGTH) });
  add(COMMAND.flush, { length: 0 });
  const push = createReplyParser(createReplySink(ledger, true, new Set([7])));
  const borders = [0, ...[...cuts].sort((a, b) => a - b), bytes.length];
  borders.slice(1).forEach((end, index) => {
    // A copy that is spoilt afterwards, as the socket's one buffer is.
    const piece = Buffer.from(bytes.subarray(borders[index], end));
    push(piece);
    piece.fill(0xee);
  });
  return { target: target.toString("hex"), outcomes, left: ledger.pending.size };
}

test("the same bytes give the same result, wherever the stream is cut", () => {
  const bytes = stream();
  const whole = parse(bytes, []);
  expect(whole.target).toBe("5a".repeat(2000) + "00".repeat(1000));
  expect(whole.outcomes).toEqual([
    "3 7 000000640000000000000b5400000003",
    "2 3 ",
    "1 0 ",
    "0 0 The NBD server answered EIO to a read of 3000 bytes at 0",
  ]);
  const cuts = fc.array(fc.integer({ min: 0, max: bytes.length }), { maxLength: 200 });
  fc.assert(fc.property(cuts, (points) => void expect(parse(bytes, points)).toEqual(whole)));
  expect(parse(bytes, Array.from(bytes.keys()))).toEqual(whole);
});

test("damaged bytes end in NBD_PROTOCOL or in a result, never in anything else", () => {
  const bytes = stream();
  const damage = fc.array(fc.tuple(fc.integer({ min: 0, max: bytes.length - 1 }), fc.integer({ min: 0, max: 255 })), {
    minLength: 1,
    maxLength: 5,
  });
  let refused = 0;
  fc.assert(
    fc.property(damage, (changes) => {
      const damaged = Buffer.from(bytes);
      for (const [at, value] of changes) damaged[at] = value;
      try {
        parse(damaged, [100, 1000]);
      } catch (error) {
        refused++;
        expect(error).toMatchObject({ code: "NBD_PROTOCOL" });
      }
    }),
    { numRuns: 500 },
  );
  expect(refused).toBeGreaterThan(0);
});
