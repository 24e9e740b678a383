import { afterAll, beforeAll, expect, it } from "vitest";
import { issueAgentCertificate, planAgentCertificate } from "../../adapters/pki/issue.ts";
import { readRequest } from "../../adapters/pki/request.ts";
import { describeOnBothStores } from "../../store/test-stores.ts";
import { caller, NOON, openPlace, type Place, signed, strangersKey } from "../enrolment/test-identity.ts";
import { renewExpired } from "./renew-expired.ts";
import { chainOf, leafOf, startAgent } from "./test-agent.ts";

let place: Place;
beforeAll(async () => {
  place = await openPlace();
});
afterAll(() => place[Symbol.asyncDispose]());

describeOnBothStores("renewal by the old key", (open) => {
  it("an expired one is renewed with its key, for a year", async () => {
    const { bench, at, first, admit, renewOld } = await startAgent(place, await open());
    const hosts = [bench.host(), bench.host()] as const;
    at(30 + 364);
    const next = await renewOld(chainOf(first), first.host, hosts[0]);
    expect(await renewOld(chainOf(first), first.host, hosts[0])).toBe(next);
    expect(await admit(next)).toEqual({ ok: true });
    at(30 + 366);
    await expect(renewOld(chainOf(first), first.host, hosts[1])).rejects.toMatchObject({
      code: "FORBIDDEN",
      message: expect.stringMatching(/365 days/),
    });
  });

  it("a host restored from an image, whose certificate was superseded, comes back by its key", async () => {
    const { bench, at, first, admit, renew, renewOld } = await startAgent(place, await open());
    at(15);
    await admit(await renew(chainOf(first), bench.host()));
    at(20);
    expect(await admit(chainOf(first))).toMatchObject({ code: "CERTIFICATE_SUPERSEDED" });
    expect(await admit(await renewOld(chainOf(first), first.host, bench.host()))).toEqual({ ok: true });
  });

  it("renewal without the old key, with a foreign certificate or a bad request: refused", async () => {
    const { at, bench, first } = await startAgent(place, await open());
    at(40);
    const { csr } = bench.host();
    const certificate = leafOf(chainOf(first));
    const input = { csr, certificate, signature: signed(csr, first.host.key) };
    const other = await openPlace();
    const foreign = issueAgentCertificate(
      other.authority,
      planAgentCertificate(readRequest(first.host.csr), first.answer.agent_id, NOON),
    ).chain;
    await other[Symbol.asyncDispose]();
    const cases = [
      [{ ...input, signature: signed(csr, strangersKey()) }, "FORBIDDEN"],
      [{ ...input, signature: signed(`${csr}\n`, first.host.key) }, "FORBIDDEN"],
      [{ ...input, signature: "" }, "FORBIDDEN"],
      [{ ...input, certificate: leafOf(foreign) }, "FORBIDDEN"],
      [{ ...input, certificate: place.authority.issuingPem }, "FORBIDDEN"],
      [{ ...input, certificate: "rubbish" }, "FORBIDDEN"],
      [{ ...input, csr: "rubbish", signature: signed("rubbish", first.host.key) }, "VALIDATION_ERROR"],
      [{ ...input, csr: first.host.csr, signature: signed(first.host.csr, first.host.key) }, "VALIDATION_ERROR"],
    ] as const;
    for (const [request, code] of cases)
      await expect(renewExpired(bench.context, caller, request)).rejects.toMatchObject({ code });
  });
});
