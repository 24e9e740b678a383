import { pathId, taskName, uuid } from "@holdfast/protocol";
import { z } from "@hono/zod-openapi";
import type { PolicyPreview } from "../../services/policies/preview.ts";
import type { RetentionPreview } from "../../services/retention/preview.ts";
import { count, iso, time } from "./common.ts";

/** Nobody reads more. */
const MOST_LISTED = 500;

const item = { agent_id: z.uuid(), vm_context_id: z.string(), vm_name: z.string() };
const few = `The first ${MOST_LISTED}.`;

export const previewBody = z
  .strictObject({
    zone: z.string().openapi({ description: "What `local` means here." }),
    runs: z.array(
      z.strictObject({
        task: taskName,
        due_at: time,
        starts_at: time.openapi({ description: "With the jitter, which is exact when an item is given." }),
        local: z.string().openapi({ example: "2026-03-29 03:00" }),
        offset: z.string().openapi({ example: "+02:00" }),
        closed_by: z.enum(["blackout", "maintenance"]).nullable().openapi({ description: "It will not begin." }),
        dst_change: z
          .enum(["forward", "back"])
          .nullable()
          .openapi({ description: "The clocks were changed since the run before." }),
      }),
    ),
    warnings: z.array(z.string()).openapi({
      description: "What is allowed and hardly meant, as a jitter that reaches into a blackout, in sentences.",
    }),
    items: z.array(
      z.strictObject({
        ...item,
        bound_by: z.enum(["explicit", "selector"]),
        instead_of: z.uuid().nullable().openapi({ description: "The policy that it has now." }),
      }),
    ),
    items_total: count.openapi({ description: `Of \`items\`: ${few}` }),
    leaving: z.array(z.strictObject(item)).openapi({ description: `What the policy would not have any more. ${few}` }),
    leaving_total: count,
    unknown_items: z
      .array(z.strictObject({ agent_id: uuid, vm_context_id: pathId }))
      .openapi({ description: `Items that it names and that nobody protects now. ${few}` }),
    retention: z
      .strictObject({
        removes: count,
        keeps: count,
        whole: z.boolean().openapi({ description: "false: there are more items than were looked at." }),
        items: z.array(
          z.strictObject({
            agent_id: z.uuid(),
            vm_context_id: z.string(),
            removes: count,
            keeps: count,
            waits_for: z.string().nullable().openapi({ description: "Why a person would have to decide." }),
          }),
        ),
      })
      .openapi({ description: "What it would do to the backups of now; their marks: POST /api/v1/retention/preview." }),
  })
  .openapi("PolicyPreview");

export function toPreview(
  { zone, runs, warnings, items, leaving, unknown }: PolicyPreview,
  retention: RetentionPreview,
): z.input<typeof previewBody> {
  return {
    zone,
    runs: runs.map((run) => ({
      ...{ task: run.task, due_at: iso(run.dueAt), starts_at: iso(run.startsAt), local: run.local },
      ...{ offset: run.offset, closed_by: run.closedBy, dst_change: run.clockChange },
    })),
    warnings,
    items: items.slice(0, MOST_LISTED).map(({ agentId, vmContextId, vmName, boundBy, insteadOf }) => ({
      ...{ agent_id: agentId, vm_context_id: vmContextId, vm_name: vmName },
      ...{ bound_by: boundBy, instead_of: insteadOf },
    })),
    items_total: items.length,
    leaving: leaving.slice(0, MOST_LISTED).map(({ agentId, vmContextId, vmName }) => {
      return { agent_id: agentId, vm_context_id: vmContextId, vm_name: vmName };
    }),
    leaving_total: leaving.length,
    unknown_items: unknown.slice(0, MOST_LISTED),
    retention: toRetention(retention),
  };
}

function toRetention({ removes, keeps, isWhole, items }: RetentionPreview) {
  return {
    ...{ removes, keeps, whole: isWhole },
    items: items.map(({ agentId, vmContextId, summary: { points, remove }, waitsFor }) => ({
      ...{ agent_id: agentId, vm_context_id: vmContextId, removes: remove, keeps: points - remove },
      waits_for: waitsFor,
    })),
  };
}
