/** A new key and certificate in time: at half-life over the link, over HTTPS when the old one is of no use there. */
import { HoldfastError } from "../errors.ts";
import { type ClientIdentity, clientIdentity, isRenewalDue } from "../identity/client-identity.ts";
import { beginRenewal, finishRenewal, renewExpired } from "../identity/renew.ts";
import type { Link } from "../link/ports.ts";
import type { Log } from "./log.ts";

/** An answer comes at once; after this long the connection has probably gone. */
const ANSWER_MS = 60_000;

export type RenewalParts = {
  stateDir: string;
  link: () => Pick<Link, "renew" | "reconnect" | "status"> | undefined;
  now: () => Date;
  log: Log;
  signal: AbortSignal;
};

export type Renewal = {
  /** To be called now and then: renews when that is due. Never throws. */
  look(): Promise<void>;
  /** Renews now, over the link. Resolves when the new certificate is in force. */
  rotate(signal: AbortSignal): Promise<void>;
  onCertificate(chain: string): Promise<void>;
  onRefused(refusal: { code: string; message: string }): void;
};

export function createRenewal(parts: RenewalParts): Renewal {
  const { stateDir, link, now, log } = parts;
  let answer: PromiseWithResolvers<void> | undefined;
  const rotate = async (signal: AbortSignal): Promise<void> => {
    const { csr } = await beginRenewal(stateDir, now());
    answer ??= Promise.withResolvers<void>();
    const { promise } = answer;
    // Whoever waits sees it; nobody may wait any more.
    promise.catch(() => undefined);
    if (link()?.renew(csr) !== true) throw notConnected();
    await within(promise, ANSWER_MS, signal);
  };
  const settle = (how: (waiting: PromiseWithResolvers<void>) => void): void => {
    const waiting = answer;
    answer = undefined;
    if (waiting !== undefined) how(waiting);
  };
  return {
    rotate,
    look: async () => {
      try {
        const identity = await clientIdentity(stateDir);
        if (isOfNoUse(identity, now(), link()?.status().lastProblem ?? null)) await renewByHttps(parts);
        else if (isRenewalDue(identity, now()) && link()?.status().phase === "streaming") await rotate(parts.signal);
      } catch (error) {
        if (parts.signal.aborted) return;
        const words = error instanceof Error ? error.message : String(error);
        log("warn", `the certificate could not be renewed yet: ${words}`);
      }
    },
    onCertificate: async (chain) => {
      const { notAfter } = await finishRenewal(stateDir, chain, now());
      log("info", `a new certificate is in force until ${notAfter.toISOString()}`);
      settle(({ resolve }) => resolve());
    },
    onRefused: ({ code, message }) => {
      log("warn", `the controller refuses a new certificate: ${code}: ${message}`);
      settle(({ reject }) => reject(new HoldfastError("CONTROLLER_REFUSED", { message: `${code}: ${message}` })));
    },
  };
}

/** Expired, or given up by the controller because a newer one was seen: this host was restored from an image. */
function isOfNoUse({ notAfter }: ClientIdentity, now: Date, lastProblem: string | null): boolean {
  return now >= notAfter || lastProblem?.includes("CERTIFICATE_SUPERSEDED") === true;
}

async function renewByHttps({ stateDir, now, link, log, signal }: RenewalParts): Promise<void> {
  const { notAfter } = await renewExpired(stateDir, now, signal);
  log("info", `the certificate was renewed over HTTPS until ${notAfter.toISOString()}`);
  link()?.reconnect("a new certificate");
}

async function within(promise: Promise<void>, ms: number, signal: AbortSignal): Promise<void> {
  const late = new HoldfastError("TIMEOUT", { message: "the controller did not answer the request for a certificate" });
  const ended = Promise.withResolvers<never>();
  const timer = setTimeout(() => ended.reject(late), ms);
  const onAbort = (): void => ended.reject(new HoldfastError("CANCELLED", { message: "cancelled" }));
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    await Promise.race([promise, ended.promise]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
  }
}

function notConnected(): HoldfastError {
  return new HoldfastError("CONTROLLER_UNREACHABLE", {
    message: "the link to the controller is not up",
    remedy: "It is tried again by itself.",
  });
}
