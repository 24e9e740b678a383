import type { Actor } from "../../domain/access.ts";
import type { ComplianceRules } from "../../domain/compliance/copy-fact.ts";
import { type Compliance, compliance, judgeAll } from "../../domain/compliance/digits.ts";
import { type CopyChange, whatIf } from "../../domain/compliance/what-if.ts";
import type { ServiceContext } from "../context.ts";
import { itemHealth } from "../health/list.ts";
import type { View } from "../health/view.ts";
import type { ItemRef } from "../items/find.ts";
import { invalidFields } from "../lists/invalid-fields.ts";

export type ComplianceView = {
  compliance: Compliance;
  rules: ComplianceRules;
  copies: ReturnType<typeof judgeAll>;
};

/** 3-2-1-1-0 of one item at this moment. NOT_FOUND, FORBIDDEN. */
export async function itemCompliance(context: ServiceContext, actor: Actor, ref: ItemRef): Promise<ComplianceView> {
  return complianceOf(await itemHealth(context, actor, ref), [], context.now());
}

/** The same if something were different. VALIDATION_ERROR for changes that cannot be. */
export async function complianceIf(
  context: ServiceContext,
  actor: Actor,
  { ref, changes }: { ref: ItemRef; changes: readonly CopyChange[] },
): Promise<ComplianceView> {
  return complianceOf(await itemHealth(context, actor, ref), changes, context.now());
}

export function complianceOf({ facts }: View, changes: readonly CopyChange[], now: Date): ComplianceView {
  const { facts: copies, problems } = whatIf(facts.copies, changes, now);
  if (problems.length > 0)
    throw invalidFields(problems.map(({ index, message }) => ({ path: `changes.${index}.copy`, message })));
  return {
    compliance: compliance(copies, facts.rules, now),
    rules: facts.rules,
    copies: judgeAll(copies, facts.rules, now),
  };
}
