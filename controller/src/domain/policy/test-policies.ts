/** Policies for tests. */
import { type PolicyBody, policyBody } from "./policy-body.ts";

export const HOST_A = "aaaaaaaa-0000-4000-8000-000000000000";
export const HOST_B = "bbbbbbbb-0000-4000-8000-000000000000";

export function policyOf(given: object = {}): PolicyBody {
  return policyBody.parse({ name: "nightly", ...given });
}
