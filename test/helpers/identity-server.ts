/** The controller's identity services behind a small HTTPS server, on a real database in a folder. */
import { randomUUID } from "node:crypto";
import { mkdir } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { enrolmentRequest, renewalRequest } from "@holdfast/protocol";
import { type Authority, openAuthority } from "../../controller/src/adapters/pki/authority.ts";
import { issueServerCertificate } from "../../controller/src/adapters/pki/issue.ts";
import { ANONYMOUS, type Caller } from "../../controller/src/domain/access.ts";
import { ControllerError, STATUS_OF } from "../../controller/src/errors.ts";
import { renewExpired } from "../../controller/src/services/certificates/renew-expired.ts";
import type { IdentityContext } from "../../controller/src/services/enrolment/context.ts";
import { createToken } from "../../controller/src/services/enrolment/create-token.ts";
import { enrol } from "../../controller/src/services/enrolment/enrol.ts";
import type { Store } from "../../controller/src/store/db.ts";
import { openStore } from "../../controller/src/store/store.ts";

export const caller: Caller = { actor: ANONYMOUS, requestId: randomUUID(), source: "127.0.0.1" };

export type IdentityServer = AsyncDisposable & {
  url: string;
  context: IdentityContext;
  authority: Authority;
  token: () => Promise<string>;
  /** What arrived, in order: method and path. */
  requests: string[];
};

export type IdentityServerOptions = {
  folder: string;
  now?: () => Date;
  port?: number;
  /** Instead of the certificate that the authority makes for it. */
  certificate?: (authority: Authority) => { key: string; cert: string };
  /** Around the store, to fail or to be killed at a moment. */
  around?: (store: Store) => Store;
  /** Before an answer goes out. */
  beforeAnswer?: () => void;
};

export async function startIdentityServer(options: IdentityServerOptions): Promise<IdentityServer> {
  const { folder, now = () => new Date(), port = 0, around = (store) => store, beforeAnswer } = options;
  await mkdir(folder, { recursive: true });
  const authority = await openAuthority(join(folder, "pki"), now());
  const store = around(await openStore({ file: join(folder, "controller.db") }));
  const context: IdentityContext = { store, authority, now, agentUrl: "wss://controller.example.org:8444" };
  const requests: string[] = [];
  const certificate = options.certificate?.(authority) ?? issueServerCertificate(authority, [], now());
  const server = createServer(certificate, (request, response) => {
    requests.push(`${request.method} ${request.url}`);
    void answer(context, request).then(({ status, body }) => {
      beforeAnswer?.();
      send(response, status, body);
    });
  });
  server.on("tlsClientError", (_error, socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    context,
    authority,
    requests,
    token: async () => (await createToken(context, caller, { name: null, lifetimeSeconds: null })).text,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await store.close();
    },
  };
}

type Answer = { status: number; body: unknown };

async function answer(context: IdentityContext, request: IncomingMessage): Promise<Answer> {
  try {
    let text = "";
    for await (const part of request.setEncoding("utf8")) text += part;
    const body: unknown = JSON.parse(text);
    if (request.url === "/api/v1/enrolment")
      return { status: 201, body: await enrol(context, caller, enrolmentRequest.parse(body)) };
    if (request.url === "/api/v1/enrolment/renew")
      return { status: 200, body: await renewExpired(context, caller, renewalRequest.parse(body)) };
    return { status: 404, body: { error: "there is nothing here", code: "NOT_FOUND" } };
  } catch (error) {
    if (!(error instanceof ControllerError))
      return { status: 500, body: { error: String(error), code: "INTERNAL_ERROR" } };
    return { status: STATUS_OF[error.code], body: { error: error.message, code: error.code } };
  }
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
