/** Points for tests, in the notation `F1 i2 i3v | F4`: chains apart by `|`, fulls and increments with the day they were made. */
import type { MarkedPoint, RetentionPlan } from "./plan.ts";
import { DAY_MS, type Point, type RetentionRules } from "./point.ts";
import { retentionRules } from "./rules.ts";

const ORIGIN = Date.parse("2026-01-01T03:00:00Z");

export function dayOf(day: number): Date {
  return new Date(ORIGIN + day * DAY_MS);
}

/** v verified, d drilled, x its newest proof failed, p pinned, h held, u in use, ~ foreign. */
export function pointsOf(notation: string, more: Partial<Point> = {}): Point[] {
  return notation.split("|").flatMap((chain, chainIndex) => {
    const names = chain
      .trim()
      .split(/\s+/)
      .filter((name) => name !== "");
    const ids = names.map((name) => name.match(/^[Fi][\d.]+/)?.[0] ?? name);
    return names.map((name, position): Point => {
      const flags = name.slice(ids[position]?.length);
      const at = dayOf(Number(ids[position]?.slice(1)));
      const is = (flag: string) => flags.includes(flag);
      return {
        ...{ agentId: "a", backupId: ids[position] ?? "", repositoryId: "main", diskId: 0 },
        ...{ chainId: ids[0] ?? "", chainNumber: chainIndex + 1, chainPosition: position },
        ...{ parentId: position === 0 ? null : (ids[position - 1] ?? ""), restorePointId: null },
        ...{
          madeAt: at,
          completedAt: at,
          recordedAt: at,
          pinned: is("p"),
          held: is("h") ? ["a lawsuit"] : [],
          immutableUntil: null,
        },
        ...{ inUse: is("u") ? "it is being restored" : null, doubted: is("x"), isCopy: false },
        ...{ verifiedAt: is("v") ? at : null, drilledAt: is("d") ? at : null, hasSidecar: !is("~"), isListed: true },
        ...more,
      };
    });
  });
}

/** No more than what a rule table asks for: without a floor of its own, one point stays. */
export function rulesOf(rules: Partial<RetentionRules> = {}): RetentionRules {
  return { ...retentionRules.parse({ zone: "UTC" }), min_points: 1, ...rules };
}

const SIGN = { keep: "+", keep_as_parent: "^", merge: ">", remove: "-" } as const;

/** `-F1 -i2 | +F3`, in the order of the chains. */
export function marksText({ marks }: RetentionPlan): string {
  const chains = [...Map.groupBy(marks.toReversed(), ({ point }) => point.chainId).values()];
  return chains.map((chain) => chain.map(textOf).join(" ")).join(" | ");
}

function textOf({ mark, point }: MarkedPoint): string {
  return `${SIGN[mark]}${point.backupId}`;
}

export function removalText({ remove }: RetentionPlan): string {
  return remove.map(({ backupId }) => backupId).join(" ");
}
