import { expect, test } from "vitest";
import { decideResume } from "./resume.ts";

const EPOCH = "00000000-0000-4000-8000-00000000000a";
const OTHER = "00000000-0000-4000-8000-00000000000b";

/**
 * `acknowledged/last` of the spool against what the controller has applied: `none` (epoch unknown), a seq, `+closed`,
 * or `seq!` for another event at that seq. Event ids are `e<seq>`.
 */
function decide(spool: string, controller: string) {
  const [acknowledged = 0, lastSeq = 0] = spool.split("/").map(Number);
  const [, seq = "none", alien, closed] = /^(none|\d+)(!?)(\+closed)?$/.exec(controller) ?? [];
  const id = (at: number) => (at === 0 ? null : `e${at}`);
  const decision = decideResume(
    {
      acknowledged: { epoch: EPOCH, seq: acknowledged, event_id: id(acknowledged) },
      lastSeq,
      opened: { reason: "new-spool", gap: null },
      eventIdAt: (at) => (at >= acknowledged && at <= lastSeq ? id(at) : null),
    },
    {
      applied: seq === "none" ? null : { epoch: EPOCH, seq: Number(seq), event_id: alien ? "alien" : id(Number(seq)) },
      epoch_closed: closed !== undefined,
    },
  );
  if (decision.do === "give-up") return decision.do;
  const gap = decision.gap === null ? "" : ` gap ${decision.gap.from_seq}..${decision.gap.to_seq}`;
  if (decision.do === "open-epoch") return `new epoch, ${decision.reason}${gap}`;
  return `after ${decision.afterSeq}, ${decision.reason}${decision.drop ? ` drop ${decision.drop.seq}` : ""}${gap}`;
}

test.each([
  ["0/0", "none", "after 0, new-spool"],
  ["0/5", "none", "after 0, new-spool"],
  ["0/5", "0", "after 0, in-step"],
  ["5/5", "5", "after 5, in-step"],
  ["5/9", "5", "after 5, in-step"],
  // The acknowledgement was lost on the way.
  ["5/9", "7", "after 7, in-step drop 7"],
  ["5/9", "9", "after 9, in-step drop 9"],
  // The host came back from an old image.
  ["5/9", "12", "new epoch, spool-behind"],
  ["0/0", "1", "new epoch, spool-behind"],
  // … and has written other events since.
  ["5/9", "7!", "new epoch, spool-behind"],
  ["5/9", "5!", "new epoch, spool-behind"],
  ["5/9", "9!", "new epoch, spool-behind"],
  // … to before an epoch that was given up.
  ["5/9", "5+closed", "new epoch, spool-behind"],
  ["5/9", "7+closed", "new epoch, spool-behind"],
  ["0/9", "none+closed", "new epoch, spool-behind"],
  // The controller came back from its backup.
  ["5/9", "3", "after 5, controller-behind gap 4..5"],
  ["5/9", "0", "after 5, controller-behind gap 1..5"],
  ["5/5", "none", "after 5, controller-behind gap 1..5"],
  // Both did.
  ["5/9", "3+closed", "new epoch, spool-behind gap 4..5"],
  ["5/9", "none+closed", "new epoch, spool-behind gap 1..5"],
])("the spool at %s, the controller at %s: %s", (spool, controller, expected) => {
  expect(decide(spool, controller)).toBe(expected);
});

const place = { acknowledged: { epoch: EPOCH, seq: 0, event_id: null }, lastSeq: 4, eventIdAt: () => null };

test("an epoch that the controller has not noted yet says again why it was opened", () => {
  const gap = { epoch: OTHER, from_seq: 2, to_seq: 3 };
  const spool = { ...place, opened: { reason: "spool-behind" as const, gap } };
  const expected = { do: "go-on", reason: "spool-behind", afterSeq: 0, gap, drop: null };
  expect(decideResume(spool, { applied: null, epoch_closed: false })).toEqual(expected);
  const noted = decideResume(spool, { applied: { epoch: EPOCH, seq: 0, event_id: null }, epoch_closed: false });
  expect(noted).toMatchObject({ reason: "in-step", gap: null });
});

test("an answer about another epoch is not acted upon", () => {
  const spool = { ...place, opened: { reason: "new-spool" as const, gap: null } };
  const applied = { epoch: OTHER, seq: 2, event_id: null };
  expect(decideResume(spool, { applied, epoch_closed: false }).do).toBe("give-up");
});
