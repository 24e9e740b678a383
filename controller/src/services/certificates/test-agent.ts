/** One enrolled agent, and the ways in which it comes back. */

import { listCertificates } from "../../store/certificates.ts";
import type { Store } from "../../store/db.ts";
import {
  type Bench,
  caller,
  DAY,
  type Enrolled,
  type Host,
  NOON,
  openBench,
  type Place,
  signed,
} from "../enrolment/test-identity.ts";
import { admitCertificate } from "./admit.ts";
import { renewExpired } from "./renew-expired.ts";
import { renewOverLink } from "./renew-over-link.ts";

export const days = (count: number): Date => new Date(NOON.getTime() + count * DAY);

/** Enrolled at noon. Chains stand for certificates. */
export async function startAgent(place: Place, store: Store) {
  const bench = openBench(place, store);
  const { context, clock } = bench;
  const first = await bench.enrolled();
  const agentId = first.answer.agent_id;
  return {
    bench,
    first,
    agentId,
    at: (count: number) => {
      clock.now = days(count);
    },
    admit: (chain: string) => admitCertificate(context, caller, bench.certificateOf(chain)),
    renew: async (chain: string, { csr }: Host) =>
      (await renewOverLink(context, caller, { agentId, fingerprint: bench.certificateOf(chain).fingerprint, csr }))
        .chain,
    renewOld: (chain: string, old: Host, next: Host) => renewOldOf(bench, chain, old, next),
    stored: () => store.read((db) => listCertificates(db, agentId)),
  };
}

export async function renewOldOf({ context }: Bench, chain: string, old: Host, { csr }: Host): Promise<string> {
  const certificate = leafOf(chain);
  const answer = await renewExpired(context, caller, { csr, certificate, signature: signed(csr, old.key) });
  return answer.certificate_chain;
}

export function leafOf(chain: string): string {
  return `${chain.split("-----END CERTIFICATE-----")[0]}-----END CERTIFICATE-----\n`;
}

export function chainOf({ answer }: Enrolled): string {
  return answer.certificate_chain;
}
