/** What the link needs of who this host is. */
import { HoldfastError } from "../errors.ts";
import { leafOf } from "./check-chain.ts";
import { type IdentityFile, readIdentity } from "./files.ts";

export type ClientIdentity = {
  agentId: string;
  /** `https://host:port` and `wss://host:port`. */
  controllerUrl: string;
  agentUrl: string;
  /** For `tls.connect`, PEM: private key, leaf and issuing authority, and the only root to trust. */
  key: string;
  cert: string;
  ca: string;
  notBefore: Date;
  notAfter: Date;
};

/** Who this host is, as of now: read it before each connection, because a renewal or a new enrolment changes it. NOT_ENROLLED. */
export async function clientIdentity(stateDir: string): Promise<ClientIdentity> {
  const identity = await readIdentity(stateDir);
  if (identity !== undefined) return asClient(identity);
  throw new HoldfastError("NOT_ENROLLED", {
    message: "this host is not enrolled with a controller",
    remedy: "Make a token on the controller, then run `holdfast-agent enroll`.",
  });
}

export async function isEnrolled(stateDir: string): Promise<boolean> {
  return (await readIdentity(stateDir)) !== undefined;
}

/** Whether half of the certificate's time is over, by this host's clock. */
export function isRenewalDue({ notBefore, notAfter }: ClientIdentity, now: Date): boolean {
  return now.getTime() >= (notBefore.getTime() + notAfter.getTime()) / 2;
}

export function asClient(identity: IdentityFile): ClientIdentity {
  const leaf = leafOf(identity.certificate_chain);
  return {
    agentId: identity.agent_id,
    controllerUrl: identity.controller_url,
    agentUrl: identity.agent_url,
    key: identity.private_key,
    cert: identity.certificate_chain,
    ca: identity.root_certificate,
    notBefore: leaf.validFromDate,
    notAfter: leaf.validToDate,
  };
}
