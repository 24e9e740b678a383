import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type AppliedPlace, judgeBatch, judgeResume, type Resume } from "./spool-place.ts";

const [OLD, NEW] = ["11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"];
const place = (seq: number, closed = false, epoch = OLD): AppliedPlace => ({ epoch, seq, eventId: null, closed });
const numbered = (...seqs: number[]) => seqs.map((seq) => ({ seq }));

describe("a batch", () => {
  it.each([
    ["the next ones", place(3), [4, 5], [4, 5], 0, null],
    ["all known", place(3), [2, 3], [], 2, null],
    ["known ones before new ones", place(3), [3, 4, 5], [4, 5], 1, null],
    ["a hole at its begin", place(3), [5, 6], [], 0, "SEQ_GAP"],
    ["a hole in its middle", place(3), [4, 6], [4], 0, "SEQ_GAP"],
    ["the same seq twice", place(3), [4, 4, 5], [4, 5], 1, null],
    ["an epoch given up", place(3, true), [4], [], 0, "EPOCH_NOT_OPEN"],
    ["an epoch never resumed", undefined, [1], [], 0, "EPOCH_NOT_OPEN"],
  ] as const)("%s", (_name, at, seqs, fresh, duplicates, code) => {
    const verdict = judgeBatch(at, numbered(...seqs));
    expect(verdict.fresh.map(({ seq }) => seq)).toEqual(fresh);
    expect(verdict.duplicates).toBe(duplicates);
    expect(verdict.refusal?.code ?? null).toBe(code);
  });

  it("applies each seq at most once and in order, however batches are repeated, cut and reordered", () => {
    fc.assert(
      fc.property(fc.array(fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 8 })), (batches) => {
        const applied: number[] = [];
        for (const batch of batches)
          applied.push(...judgeBatch(place(applied.length), numbered(...batch)).fresh.map(({ seq }) => seq));
        expect(applied).toEqual(applied.map((_, index) => index + 1));
      }),
    );
  });
});

describe("a resume", () => {
  it("in step: the place stays", () => {
    expect(judgeResume([place(7)], resume({}))).toEqual({ place: place(7), close: [], gap: null });
  });

  it("a new spool opens an epoch and closes the one before", () => {
    expect(judgeResume([place(7)], resume({ epoch: NEW, after_seq: 0 }))).toEqual({
      place: place(0, false, NEW),
      close: [OLD],
      gap: null,
    });
  });

  it("an epoch that was given up stays so", () => {
    expect(judgeResume([place(7, true), place(2, false, NEW)], resume({}))).toMatchObject({
      refusal: { code: "EPOCH_CLOSED" },
    });
  });

  it("controller behind: the gap is noted, and once only", () => {
    const words = resume({ after_seq: 9, gap: { epoch: OLD, from_seq: 8, to_seq: 9 } });
    const first = judgeResume([place(7)], words);
    expect(first).toEqual({ place: place(9), close: [], gap: { epoch: OLD, fromSeq: 8, toSeq: 9 } });
    expect(judgeResume([place(9)], words)).toEqual({ place: place(9), close: [], gap: null });
  });

  it.each([
    ["no gap", null],
    ["a gap that begins too late", { epoch: OLD, from_seq: 9, to_seq: 9 }],
    ["a gap that ends too early", { epoch: OLD, from_seq: 8, to_seq: 8 }],
    ["a gap of another epoch", { epoch: NEW, from_seq: 8, to_seq: 9 }],
  ])("events that skip some, with %s: refused", (_name, gap) => {
    expect(judgeResume([place(7)], resume({ after_seq: 9, gap }))).toMatchObject({
      refusal: { code: "RESUME_MISMATCH" },
    });
  });
});

function resume(words: Partial<Resume>): Resume {
  return { epoch: OLD, after_seq: 7, reason: "in-step", gap: null, ...words };
}
