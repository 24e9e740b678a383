/** The controller's agent port alone, as a process of its own, for the bench. Talks to its parent by IPC. */
import { openAuthority } from "../../../controller/src/adapters/pki/authority.ts";
import { issueServerCertificate } from "../../../controller/src/adapters/pki/issue.ts";
import { openStore } from "../../../controller/src/store/store.ts";
import { openAgentLink } from "../../../controller/src/ws/agent-link.ts";
import { errorLog } from "../../../controller/src/ws/test-socket.ts";

export type ServerOrder = { place: { file: string } | { url: string }; pki: string; port: number };
export type ServerUsage = { cpuSeconds: number; rssBytes: number; streaming: number };
export type ServerWord = { type: "listening"; port: number } | { type: "usage"; usage: ServerUsage };

async function serve({ place, pki, port }: ServerOrder): Promise<void> {
  const now = () => new Date();
  const authority = await openAuthority(pki, now());
  const store = await openStore(place);
  const { cert, key } = issueServerCertificate(authority, ["localhost"], now());
  const context = { store, authority, now, agentUrl: "wss://localhost", log: errorLog() };
  const link = openAgentLink(context, { cert, key, ca: [authority.rootPem, authority.issuingPem] });
  const address = await link.hub.listen(port, "127.0.0.1");
  say({ type: "listening", port: address.port });
  process.on("message", () => say({ type: "usage", usage: usage(link.hub.stats().streaming) }));
}

function usage(streaming: number): ServerUsage {
  const { user, system } = process.cpuUsage();
  return { cpuSeconds: (user + system) / 1e6, rssBytes: process.memoryUsage.rss(), streaming };
}

function say(word: ServerWord): void {
  process.send?.(word);
}

process.on("disconnect", () => process.exit(0));
process.once("message", (order: ServerOrder) => {
  serve(order).catch((error: unknown) => {
    process.stderr.write(`${String(error)}\n`);
    process.exit(1);
  });
});
