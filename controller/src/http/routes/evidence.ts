import { z } from "@hono/zod-openapi";
import type { Actor } from "../../domain/access.ts";
import { ControllerError } from "../../errors.ts";
import { invalidFields } from "../../services/lists/invalid-fields.ts";
import { visibleAgent } from "../../services/lists/visible.ts";
import { agentInQuery, time } from "../answers/common.ts";
import type { ApiContext } from "../context.ts";
import { type Endpoint, endpoint } from "../endpoint.ts";

const tag = "evidence";
const query = z.strictObject({
  from: time.openapi({ description: "The first moment." }),
  until: time.openapi({ description: "The first moment after it; not in the future." }),
  agent_id: agentInQuery,
});
type Query = z.output<typeof query>;

async function packOf(context: ApiContext, actor: Actor, asked: Query) {
  const agentId = visibleAgent(actor, asked.agent_id) ?? null;
  const period = { from: new Date(asked.from), until: new Date(asked.until), agentId };
  if (period.until <= period.from) throw invalidFields([{ path: "until", message: "must be after 'from'" }]);
  if (period.until > context.now()) throw invalidFields([{ path: "until", message: "must not be in the future" }]);
  const pack = await context.evidence.pack(period);
  const headers = {
    "X-Holdfast-Pack": pack.packId,
    "X-Holdfast-Signature": pack.signature.toString("base64"),
  };
  return { pack, headers };
}

const pack = endpoint({
  method: "get",
  path: "/api/v1/evidence",
  tag,
  summary: "Every verification and restore drill of a period, to be kept as evidence",
  description:
    "Canonical JSON (`holdfast.evidence/1`), signed by the controller. `X-Holdfast-Pack` is its sha256, " +
    "`X-Holdfast-Signature` its signature (base64). The same period gives the same bytes for 15 minutes.",
  action: "evidence.read",
  query,
  answers: {},
  streams: "application/json",
  handle: async (context, { query: asked, caller }) => {
    const { pack: made, headers } = await packOf(context, caller.actor, asked);
    const stream = await context.evidence.read(made);
    if (stream === undefined)
      throw new ControllerError("UNAVAILABLE", { message: "the pack has just been let go: ask again", retryAfter: 1 });
    return { status: 200, stream, contentType: "application/json", headers };
  },
});

const signature = endpoint({
  method: "get",
  path: "/api/v1/evidence/signature",
  tag,
  summary: "The signature of a period's pack",
  description:
    "ECDSA (P-256) over sha256 of the pack's bytes, DER: as `openssl dgst -sha256 -verify evidence.pub -signature " +
    "pack.sig pack.json` takes it. It belongs to the pack whose sha256 stands in `X-Holdfast-Pack`.",
  action: "evidence.read",
  query,
  answers: {},
  streams: "application/octet-stream",
  handle: async (context, { query: asked, caller }) => {
    const { pack: made, headers } = await packOf(context, caller.actor, asked);
    const stream = new Blob([new Uint8Array(made.signature)]).stream();
    return { status: 200, stream, contentType: "application/octet-stream", headers };
  },
});

const publicKey = endpoint({
  method: "get",
  path: "/api/v1/evidence/public-key.pem",
  tag,
  summary: "The key that packs are checked with",
  action: "evidence.read",
  answers: {},
  streams: "application/x-pem-file",
  handle: async ({ evidence }) => {
    const stream = new Blob([evidence.publicKeyPem]).stream();
    return { status: 200, stream, contentType: "application/x-pem-file" };
  },
});

export const evidenceRoutes: readonly Endpoint[] = [pack, signature, publicKey];
