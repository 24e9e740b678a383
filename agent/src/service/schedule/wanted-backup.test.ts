import type { TaskName, TaskPlan } from "@holdfast/protocol";
import { describe, expect, it } from "vitest";
import type { CatalogueDisk } from "../../repository/catalogue.ts";
import type { EvidenceOf } from "../../repository/evidence.ts";
import { wantedBackup } from "./wanted-backup.ts";

/** `F1 i2 i3 | F4`, oldest first. */
function chainsOf(text: string): Pick<CatalogueDisk, "chains"> {
  const chains = text.split(" | ").map((chain) => ({ backups: chain.split(" ").map((backup_id) => ({ backup_id })) }));
  return { chains: chains as unknown as CatalogueDisk["chains"] };
}

/** `F1:v3d5 i2:?`: verified on day 3, drilled on day 5; `?` cannot be read. */
function evidenceOf(text: string): EvidenceOf {
  const entries = text
    .split(" ")
    .filter((word) => word !== "")
    .map((word): [string, unknown] => {
      const [id = "", facts = ""] = word.split(":");
      if (facts === "?") return [id, "unreadable"];
      const day = (letter: string) => new RegExp(`${letter}(\\d)`).exec(facts)?.[1];
      const [verified, drilled] = [day("v"), day("d")];
      const verifications = verified === undefined ? [] : [{ verified_at: `2026-03-0${verified}` }];
      const drills = drilled === undefined ? [] : [{ drilled_at: `2026-03-0${drilled}` }];
      return [id, { verifications, drills }];
    });
  return new Map(entries) as unknown as EvidenceOf;
}

describe("what is proven next", () => {
  it.each<[string, TaskName, TaskPlan["which"], string | undefined]>([
    ["F1 i2 i3", "verify", "newest", "i3"],
    ["F1 i2 | F3", "drill", "newest", "F3"],
    ["F1:v3 i2:v2 i3:v4", "verify", "stalest", "i2"],
    ["F1:v3 i2 i3:v1", "verify", "stalest", "i2"],
    ["F1 i2 i3", "verify", "stalest", "F1"],
    ["F1:v1d5 i2:v2d4 | F3:v3d6", "verify", "stalest", "F1"],
    ["F1:v1d5 i2:v2d4 | F3:v3d6", "drill", "stalest", "i2"],
    ["F1:v1 i2:? i3:v2", "verify", "stalest", "i2"],
  ])("of %s, %s %s: %s", (backups, task, which, wanted) => {
    const ids = backups.replace(/:[^ ]+/g, "");
    expect(wantedBackup(chainsOf(ids), evidenceOf(backups.replaceAll("| ", "")), { task, which })).toBe(wanted);
  });

  it("of no backup is none", () => {
    expect(wantedBackup({ chains: [] }, new Map(), { task: "verify", which: "newest" })).toBe(undefined);
    expect(wantedBackup({ chains: [] }, new Map(), { task: "verify", which: "stalest" })).toBe(undefined);
  });
});
