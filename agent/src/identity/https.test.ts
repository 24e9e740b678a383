import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { expect, it } from "vitest";
import { makeCertificates } from "../link/test-certificates.ts";
import { controllerAddress } from "./address.ts";
import { postJson } from "./https.ts";

it.each([
  ["", "TOKEN_REFUSED"],
  ["used by web-1", "TOKEN_REFUSED: used by web-1"],
])("a refusal is told with its evidence (%j), if there is any", async (details, told) => {
  const { ca, server } = await makeCertificates();
  const controller = createServer({ ...server, cert: `${server.cert}${ca}` }, (_request, response) => {
    response.writeHead(403, { "content-type": "application/json" });
    response.end(JSON.stringify({ error: "the token was used", code: "TOKEN_REFUSED", details }));
  });
  await new Promise<void>((resolve) => controller.listen(0, "127.0.0.1", resolve));
  const address = controllerAddress(`https://127.0.0.1:${(controller.address() as AddressInfo).port}`);
  try {
    const answer = postJson({ address, path: "/x", body: {}, root: ca, signal: undefined });
    await expect(answer).rejects.toMatchObject({ code: "CONTROLLER_REFUSED", details: told });
  } finally {
    controller.closeAllConnections();
    controller.close();
  }
});
