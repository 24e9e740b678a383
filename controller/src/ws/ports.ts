import type { Logger } from "pino";
import type { AgentCertificate, CertificateVerdict } from "../adapters/pki/verify.ts";
import type { Admission } from "../services/certificates/admit.ts";
import type { Delivery } from "../services/commands/delivery.ts";
import type { ServiceContext } from "../services/context.ts";
import type { Ingest } from "../services/ingest/ingest.ts";
import type { Policies } from "../services/policies/policies.ts";
import type { Links } from "../services/presence/links.ts";
import type { Presence } from "../services/presence/presence.ts";

/** Who a peer is, whether it may come, and its next certificate. */
export type LinkIdentity = {
  verify(der: Uint8Array): CertificateVerdict;
  admit(shown: AgentCertificate, source: string): Promise<Admission>;
  renew(shown: AgentCertificate, csr: string, source: string): Promise<{ chain: string }>;
};

/** What the hub works with. */
export type HubContext = ServiceContext & {
  log: Logger;
  identity: LinkIdentity;
  links: Links;
  ingest: Ingest;
  presence: Presence;
  delivery: Delivery;
  policies: Policies;
};
