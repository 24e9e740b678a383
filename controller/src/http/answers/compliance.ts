import { z } from "@hono/zod-openapi";
import { ageLimitOf } from "../../domain/compliance/copy-fact.ts";
import type { ComplianceView } from "../../services/compliance/item-compliance.ts";
import type { KnownTraits } from "../../services/compliance/traits.ts";
import { count, isoOrNull, time } from "./common.ts";

const media = z.string().trim().min(1).max(50).openapi({ example: "disk" });

const digitBody = z.strictObject({
  digit: z.enum(["copies", "media", "off_site", "offline_or_immutable", "errors"]),
  wanted: count,
  counted: count,
  holds: z.boolean(),
  evidence: z.array(z.string()),
  true_until: time.nullable().openapi({ description: "null: it does not hold, or holds as long as nothing happens." }),
});

export const complianceBody = z
  .strictObject({
    compliant: z.boolean(),
    source_counts: z.boolean().openapi({ description: "The data itself is one of the three copies." }),
    digits: z.array(digitBody),
    true_until: time.nullable(),
    copies: z.array(
      z.strictObject({
        copy: z.string().openapi({ description: "`source`, or a repository's id." }),
        media: z.string().nullable().openapi({ description: "null: nobody knows; it is no kind of its own." }),
        off_site: z.boolean(),
        offline: z.boolean(),
        immutable: z.boolean(),
        last_success_at: time.nullable(),
        age_limit_seconds: count,
        last_verified_at: time.nullable(),
        verification_passed: z.boolean().nullable(),
        verification_cached: z.boolean().openapi({
          description: "It passed, but the data came through the page cache: it does not prove the medium.",
        }),
        last_drilled_at: time.nullable(),
        drill_passed: z.boolean().nullable(),
        counts: z.boolean(),
        why: z.string(),
      }),
    ),
  })
  .openapi("Compliance");

export function toCompliance({ compliance, rules, copies }: ComplianceView): z.input<typeof complianceBody> {
  return {
    compliant: compliance.compliant,
    source_counts: rules.countSource,
    digits: compliance.digits,
    true_until: isoOrNull(compliance.trueUntil),
    copies: copies.map(({ copy, counts, why }) => ({
      ...{ copy: copy.copy, media: copy.media, off_site: copy.offSite, offline: copy.offline },
      ...{ immutable: copy.immutable, last_success_at: isoOrNull(copy.lastSuccessAt) },
      age_limit_seconds: ageLimitOf(copy, rules),
      ...{ last_verified_at: isoOrNull(copy.lastVerifiedAt), verification_passed: copy.verificationPassed },
      verification_cached: copy.verificationCached,
      ...{ last_drilled_at: isoOrNull(copy.lastDrilledAt), drill_passed: copy.drillPassed, counts, why },
    })),
  };
}

const copyName = z.string().min(1).max(200);
const flags = { off_site: z.boolean(), offline: z.boolean(), immutable: z.boolean() };

export const copyChange = z.discriminatedUnion("change", [
  z.strictObject({
    change: z.literal("add"),
    copy: copyName,
    media: media.nullable().default(null),
    off_site: flags.off_site.default(false),
    offline: flags.offline.default(false),
    immutable: flags.immutable.default(false),
  }),
  z.strictObject({ change: z.literal("remove"), copy: copyName }),
  z.strictObject({
    change: z.literal("move"),
    copy: copyName,
    media: media.optional(),
    off_site: flags.off_site.optional(),
    offline: flags.offline.optional(),
    immutable: flags.immutable.optional(),
  }),
  z.strictObject({
    change: z.literal("age"),
    copy: copyName.optional().openapi({ description: "Without it all of them." }),
    days: z.number().int().min(0).max(36_500),
  }),
]);

export const traitsInput = z.strictObject({ media, ...flags });

export const traitsBody = z
  .strictObject({
    agent_id: z.string(),
    repository_id: z.string(),
    media: z.string(),
    ...flags,
    set_at: time.nullable().openapi({ description: "null: nobody has said; what is usual for its kind." }),
    set_by: z.string().nullable(),
  })
  .openapi("RepositoryTraits");

export function toTraits(traits: KnownTraits): z.input<typeof traitsBody> {
  return {
    ...{ agent_id: traits.agentId, repository_id: traits.repositoryId, media: traits.media },
    ...{ off_site: traits.offSite, offline: traits.offline, immutable: traits.immutable },
    ...{ set_at: isoOrNull(traits.setAt), set_by: traits.setBy },
  };
}
