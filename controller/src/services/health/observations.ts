/** What of an item's worth people are told: each is said again with every look, and only a change is heard. */
import type { Observation } from "../../domain/alert/observation.ts";
import { durationText } from "../../domain/health/duration.ts";
import { degraded, measuredScore } from "../../domain/health/score.ts";
import type { StateRow, View } from "./view.ts";

type Statement = Pick<Observation, "type" | "state" | "message" | "evidence">;

/** `before`: how it stood at the last look. `rootKey`: what explains all of it. */
export function observationsOf(view: View, before: StateRow | undefined, rootKey: string | null): Observation[] {
  const { agentId, subjectId, subjectKind } = view.row;
  const subject =
    subjectKind === "item"
      ? ({ kind: "item", key: `item:${agentId}/${subjectId}`, agentId } as const)
      : ({ kind: "aomei", key: subjectId, agentId: agentId === "" ? null : agentId } as const);
  const told = [ofHealth(view), ofRpo(view), ofRto(view), ofCompliance(view, before)];
  return told.flatMap((statement) => (statement === null ? [] : [{ subject, ...statement, rootKey }]));
}

function ofHealth({ row, counts, before, score, facts }: View): Statement {
  const { health_threshold: threshold } = facts.targets;
  const evidence = { score: score.score, rates: score.rates, threshold };
  const type = "health_degradation";
  if (!degraded(counts, before, threshold))
    return { type, state: "ok", message: `the health of ${row.name} is not under its threshold`, evidence };
  const proven = score.proven ? "" : " of what was measured";
  const message = `the health of ${row.name} has fallen to ${measuredScore(counts)}${proven}, under ${threshold}`;
  return { type, state: "firing", message, evidence };
}

function ofRpo({ row, rpo, facts }: View): Statement {
  const type = "rpo_missed";
  const { rpo_seconds: target } = facts.targets;
  const last = facts.lastGoodAt?.toISOString() ?? null;
  const evidence = { newest_good_at: last, target_seconds: target };
  if (rpo.ok !== false)
    return { type, state: "ok", message: `the newest good restore point of ${row.name} is new enough`, evidence };
  const what = last === null ? "there is no good restore point" : `the newest good restore point is of ${last}`;
  const wanted = target === null ? "" : `, older than ${durationText(target)} is too old`;
  return { type, state: "firing", message: `${row.name}: ${what}${wanted}`, evidence };
}

function ofRto({ row, rto, facts }: View): Statement {
  const type = "rto_missed";
  const { rto_seconds: target } = facts.targets;
  const evidence = { worst_seconds: rto.worst, median_seconds: rto.median, drills: rto.drills, target_seconds: target };
  if (rto.ok !== false)
    return { type, state: "ok", message: `restores of ${row.name} are not known to take too long`, evidence };
  const [took, wanted] = [durationText(rto.worst ?? 0), durationText(target ?? 0)];
  const message = `a restore of ${row.name} took ${took} in a drill, more than ${wanted} is too long`;
  return { type, state: "firing", message, evidence };
}

/** What never was compliant has lost nothing. Nothing is said of it, and what was said before holds on. */
function ofCompliance({ row, compliance }: View, before: StateRow | undefined): Statement | null {
  const type = "compliance_lost";
  if (compliance.compliant) return { type, state: "ok", message: `${row.name} keeps to 3-2-1-1-0`, evidence: {} };
  if (before?.compliant !== true) return null;
  const lost = compliance.digits.filter(({ holds }) => !holds);
  const message = `${row.name} does not keep to 3-2-1-1-0 any more: ${lost.map(({ digit }) => digit).join(", ")}`;
  return { type, state: "firing", message, evidence: { digits: lost } };
}
