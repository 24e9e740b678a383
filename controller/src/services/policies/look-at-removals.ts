import { type Actor, mayDo } from "../../domain/access.ts";
import type { PolicyBody } from "../../domain/policy/policy-body.ts";
import { ControllerError } from "../../errors.ts";
import type { ItemRemovals } from "../../store/schema-policies.ts";
import type { ServiceContext } from "../context.ts";
import { itemKeyOf } from "../retention/item-key.ts";
import { previewRetention, type RetentionPreview } from "../retention/preview.ts";

/** What the retention of a policy would do to the backups of now; null: it cannot be said. */
export type Removals = { removals: number | null; keeps: number | null; itemRemovals: ItemRemovals | null };

/**
 * Whoever stores a policy and may remove backups approves of what it would remove now: what removes markedly more waits for
 * a person. Who may only configure approves of nothing.
 */
export async function lookAtRemovals(
  context: ServiceContext,
  actor: Actor,
  policy: { policyId: string | null; body: PolicyBody },
): Promise<Removals> {
  try {
    const preview = await previewRetention(context, actor, policy);
    return {
      removals: preview.removes,
      keeps: preview.keeps,
      itemRemovals: mayDo(actor, "retention.apply") ? byItem(preview) : NONE,
    };
  } catch (error) {
    if (error instanceof ControllerError && error.code === "CANNOT_BE_DONE")
      return { removals: null, keeps: null, itemRemovals: null };
    throw error;
  }
}

const NONE: ItemRemovals = { items: {}, others: 0 };

/** Of items beyond those that were looked at, as many as the worst of these are taken to be approved. */
function byItem({ items, isWhole }: RetentionPreview): ItemRemovals {
  const losing = items.filter(({ summary }) => summary.remove > 0);
  return {
    items: Object.fromEntries(losing.map((item) => [itemKeyOf(item), item.summary.remove])),
    others: isWhole ? 0 : Math.max(0, ...losing.map(({ summary }) => summary.remove)),
  };
}
