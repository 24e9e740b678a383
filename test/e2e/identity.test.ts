import { chmod, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { connect as connectTls, createServer as createTlsServer } from "node:tls";
import { CONTROLLER_NAME } from "@holdfast/protocol";
import { describe, expect, it } from "vitest";
import { clientIdentity, isEnrolled } from "../../agent/src/identity/client-identity.ts";
import { enrol } from "../../agent/src/identity/enrol.ts";
import { issueServerCertificate } from "../../controller/src/adapters/pki/issue.ts";
import { verifyAgentCertificate } from "../../controller/src/adapters/pki/verify.ts";
import { admitCertificate } from "../../controller/src/services/certificates/admit.ts";
import { failure, identityBench } from "../helpers/identity-bench.ts";
import { caller } from "../helpers/identity-server.ts";

const bench = identityBench();

describe("enrolment", () => {
  it("ends with a key that only this user can read and a certificate that the controller admits", async () => {
    const server = await bench.controller();
    const { identity, replaced } = await enrol(bench.wish(server.url, await server.token()));
    expect(replaced).toBeNull();
    expect(identity).toEqual(await clientIdentity(bench.state));
    expect(identity).toMatchObject({ controllerUrl: server.url, agentUrl: "wss://controller.example.org:8444" });
    expect(await bench.files()).toEqual(["identity.json"]);
    expect((await stat(join(bench.state, "identity"))).mode & 0o777).toBe(0o700);
    expect((await stat(join(bench.state, "identity", "identity.json"))).mode & 0o777).toBe(0o600);
    const verdict = verifyAgentCertificate(server.authority, identity.cert, new Date());
    expect(verdict).toMatchObject({ ok: true, agentId: identity.agentId });
    if (verdict.ok) expect(await admitCertificate(server.context, caller, verdict)).toEqual({ ok: true });
  });

  it("gives what mutual TLS needs", async () => {
    const server = await bench.controller();
    const { identity } = await enrol(bench.wish(server.url, await server.token()));
    const seen = Promise.withResolvers<Buffer>();
    const port = await bench.listening(
      createTlsServer(
        {
          ...issueServerCertificate(server.authority, [], new Date()),
          ca: server.authority.rootPem,
          requestCert: true,
          minVersion: "TLSv1.3",
        },
        (socket) => {
          seen.resolve(socket.getPeerCertificate().raw);
          socket.end(socket.authorized ? "welcome" : "who?");
        },
      ),
    );
    const { key, cert, ca } = identity;
    const socket = connectTls({ host: "127.0.0.1", port, key, cert, ca, servername: CONTROLLER_NAME });
    const said = await new Promise((resolve, reject) => {
      socket.setEncoding("utf8").once("data", resolve).once("error", reject);
    });
    expect(said).toBe("welcome");
    expect(verifyAgentCertificate(server.authority, await seen.promise, new Date())).toMatchObject({
      ok: true,
      agentId: identity.agentId,
    });
  });

  it("a second enrolment takes the first one's place, and a failed one changes nothing", async () => {
    const server = await bench.controller();
    const first = await enrol(bench.wish(server.url, await server.token()));
    const used = await server.token();
    await enrol(bench.wish(server.url, used, { stateDir: join(bench.folder, "other") }));
    await expect(enrol(bench.wish(server.url, used))).rejects.toMatchObject(
      failure("CONTROLLER_REFUSED", /the token was used at/, /new token/),
    );
    expect(await clientIdentity(bench.state)).toEqual(first.identity);
    const second = await enrol(bench.wish(server.url, await server.token()));
    expect(second.replaced).toBe(first.identity.agentId);
    expect((await clientIdentity(bench.state)).agentId).toBe(second.identity.agentId);
  });

  it("of two hosts with one token at once, one becomes an agent", async () => {
    const server = await bench.controller();
    const token = await server.token();
    const states = [1, 2, 3].map((index) => join(bench.folder, `host-${index}`));
    const results = await Promise.allSettled(
      states.map((stateDir) => enrol(bench.wish(server.url, token, { stateDir }))),
    );
    expect(results.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected", "rejected"]);
    expect((await Promise.all(states.map(isEnrolled))).filter(Boolean)).toHaveLength(1);
    const refusals = results.flatMap((result) => (result.status === "rejected" ? [result.reason] : []));
    for (const refused of refusals)
      expect(refused).toMatchObject({ code: "CONTROLLER_REFUSED", details: "TOKEN_REFUSED" });
  });

  it("a damaged identity does not keep a host from a new one", async () => {
    const server = await bench.controller();
    await enrol(bench.wish(server.url, await server.token()));
    await writeFile(join(bench.state, "identity", "identity.json"), "{");
    await expect(clientIdentity(bench.state)).rejects.toMatchObject(
      failure("IDENTITY_INVALID", /damaged/, /new token/),
    );
    await enrol(bench.wish(server.url, await server.token()));
    await clientIdentity(bench.state);
    await chmod(join(bench.state, "identity", "identity.json"), 0o644);
    await expect(clientIdentity(bench.state)).rejects.toMatchObject(
      failure("NO_PERMISSION", /other users/, /chmod 600/),
    );
  });
});
