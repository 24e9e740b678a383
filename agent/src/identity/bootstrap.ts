/** The first look at a controller of which only the root's fingerprint is known, from the token. */
import { createHash, X509Certificate } from "node:crypto";
import { connect, type DetailedPeerCertificate } from "node:tls";
import { CONTROLLER_NAME } from "@holdfast/protocol";
import { HoldfastError } from "../errors.ts";
import { type ControllerAddress, connectionError } from "./address.ts";

const TIMEOUT_MS = 15_000;
const LONGEST_CHAIN = 10;

/**
 * Fetches the chain that the controller shows and finds in it the root with this fingerprint (sha256 of the DER, hex).
 * Nothing is sent on this connection, so it need not be trusted: the fingerprint alone says whether the root is right.
 * Resolves with the root, PEM. CONTROLLER_UNREACHABLE; CONTROLLER_UNTRUSTED when no such root is shown.
 */
export async function fetchRoot(
  address: ControllerAddress,
  fingerprint: string,
  signal?: AbortSignal,
): Promise<string> {
  const shown = await fetchChain(address, signal);
  const root = shown.find((der) => createHash("sha256").update(der).digest("hex") === fingerprint);
  if (root !== undefined) return new X509Certificate(root).toString();
  const names = shown.map((der) => new X509Certificate(der).subject.replaceAll("\n", ", "));
  throw new HoldfastError("CONTROLLER_UNTRUSTED", {
    message: `what answers at ${address.url} is not the controller that made the token: it does not show the root that the token names`,
    remedy:
      "Check the address, and that the token is of this controller. If a proxy or firewall between opens encrypted " +
      "connections, let this one through. Nothing was sent.",
    details: `shown: ${names.join(" ← ") || "no certificate"}; the token names the root ${fingerprint}`,
  });
}

function fetchChain(address: ControllerAddress, signal: AbortSignal | undefined): Promise<Buffer[]> {
  const { host, port } = address;
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, servername: CONTROLLER_NAME, rejectUnauthorized: false, timeout: TIMEOUT_MS });
    const end = (settle: () => void): void => {
      signal?.removeEventListener("abort", abort);
      socket.destroy();
      settle();
    };
    const abort = (): void => end(() => reject(cancelled(address)));
    const fail = (error: unknown): void => end(() => reject(connectionError(error, address)));
    signal?.addEventListener("abort", abort);
    socket.once("error", fail);
    socket.once("timeout", () => fail(Object.assign(new Error("no answer in time"), { code: "ETIMEDOUT" })));
    socket.once("close", () => fail(Object.assign(new Error("closed during the handshake"), { code: "ECONNRESET" })));
    socket.once("secureConnect", () => {
      const chain = chainOf(socket.getPeerCertificate(true));
      end(() => resolve(chain));
    });
    if (signal?.aborted === true) abort();
  });
}

/** Each certificate links to its issuer; the last one to itself. */
function chainOf(leaf: DetailedPeerCertificate): Buffer[] {
  const chain: Buffer[] = [];
  let next: DetailedPeerCertificate | undefined = leaf;
  while (next?.raw !== undefined && chain.length < LONGEST_CHAIN) {
    if (chain.at(-1)?.equals(next.raw) === true) break;
    chain.push(next.raw);
    next = next.issuerCertificate;
  }
  return chain;
}

export function cancelled({ url }: ControllerAddress): HoldfastError {
  return new HoldfastError("CANCELLED", { message: `asking the controller at ${url} was cancelled` });
}
