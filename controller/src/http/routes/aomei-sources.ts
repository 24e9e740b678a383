import { aomeiFinding, aomeiImage, aomeiImageState, aomeiSourceState } from "@holdfast/protocol";
import { z } from "@hono/zod-openapi";
import { listImages, listSources } from "../../services/aomei/list-sources.ts";
import type { ImageRow, SourceRow } from "../../services/aomei/work.ts";
import { agentInQuery, count, iso, numberInQuery, pageBody, pageFields, paging, time } from "../answers/common.ts";
import { AOMEI_TAG } from "../count-refusal.ts";
import { type Endpoint, endpoint } from "../endpoint.ts";

const tag = AOMEI_TAG;
const sourceFields = aomeiSourceState.shape;

const sourceBody = z
  .strictObject({
    agent_id: z.string(),
    source: z.string(),
    source_kind: sourceFields.source_kind,
    state: sourceFields.state,
    reason: z.string().nullable(),
    findings: z.array(aomeiFinding),
    told_at: time,
  })
  .openapi("AomeiSource");

function toSource({ agentId, source, sourceKind, state, reason, findings, toldAt }: SourceRow) {
  const told = { source_kind: sourceKind, state, reason, findings };
  return { agent_id: agentId, source, ...told, told_at: iso(toldAt) };
}

const sources = endpoint({
  method: "get",
  path: "/api/v1/aomei/sources",
  tag,
  summary: "Logs and folders of images on hosts: whether they can be read, and why not",
  action: "aomei.read",
  query: z.strictObject({ agent_id: agentInQuery, state: sourceFields.state.optional(), ...paging }),
  answers: { 200: z.strictObject({ sources: z.array(sourceBody), ...pageFields }) },
  handle: async (context, { query: { agent_id: agentId, ...rest }, caller }) => {
    const page = await listSources(context, caller.actor, { agentId, ...rest });
    return { status: 200, body: { sources: page.rows.map(toSource), ...pageBody(page) } };
  },
});

const imageBody = z
  .strictObject({
    agent_id: z.string(),
    path: z.string(),
    image_kind: aomeiImage.shape.image_kind,
    job_id: count.nullable().openapi({ description: "null: its name fits no task, or several." }),
    state: aomeiImageState,
    reason: z.string().nullable(),
    size_bytes: count,
    modified_at: time,
    verification: aomeiImage.shape.checksum,
    first_seen_at: time,
    checked_at: time,
  })
  .openapi("AomeiImage");

function toImage(row: ImageRow): z.input<typeof imageBody> {
  return {
    agent_id: row.agentId,
    path: row.path,
    image_kind: row.imageKind,
    job_id: row.jobId,
    state: row.state,
    reason: row.reason,
    size_bytes: row.sizeBytes,
    modified_at: iso(row.modifiedAt),
    verification: row.checksum,
    first_seen_at: iso(row.firstSeenAt),
    checked_at: iso(row.checkedAt),
  };
}

const images = endpoint({
  method: "get",
  path: "/api/v1/aomei/images",
  tag,
  summary: "Image files, the newest first",
  action: "aomei.read",
  query: z.strictObject({
    agent_id: agentInQuery,
    job_id: numberInQuery(0, Number.MAX_SAFE_INTEGER).optional(),
    state: aomeiImageState.optional(),
    ...paging,
  }),
  answers: { 200: z.strictObject({ images: z.array(imageBody), ...pageFields }) },
  handle: async (context, { query: { agent_id: agentId, job_id: jobId, ...rest }, caller }) => {
    const page = await listImages(context, caller.actor, { agentId, jobId, ...rest });
    return { status: 200, body: { images: page.rows.map(toImage), ...pageBody(page) } };
  },
});

export const aomeiSourceRoutes: readonly Endpoint[] = [sources, images];
