/** A new key and certificate in time: at half-life over the link, over HTTPS when the old one is of no use there. */
import { HoldfastError } from "../errors.ts";
import { type ClientIdentity, clientIdentity, isRenewalDue } from "../identity/client-identity.ts";
import { beginRenewal, finishRenewal, renewExpired } from "../identity/renew.ts";
import type { Link } from "../link/ports.ts";
import type { Log } from "./log.ts";

/** An answer comes at once; after this long the connection has probably gone. */
const ANSWER_MS = 60_000;
/** What failed is tried again after the first, then after twice as long, up to the second. */
const FIRST_PAUSE_MS = 30_000;
const LONGEST_PAUSE_MS = 3_600_000;

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
  /** The certificate that the link has, as far as is known here. */
  let inUse: string | undefined;
  const pause = createPause();
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
      if (!pause.isOver()) return;
      try {
        const identity = await clientIdentity(stateDir);
        if (inUse !== undefined && inUse !== identity.cert) link()?.reconnect("this host was enrolled anew");
        inUse = identity.cert;
        if (isOfNoUse(identity, now(), link()?.status().lastProblem ?? null)) inUse = await renewByHttps(parts);
        else if (isRenewalDue(identity, now()) && link()?.status().phase === "streaming") await rotate(parts.signal);
        pause.succeeded();
      } catch (error) {
        if (parts.signal.aborted) return;
        pause.failed();
        const words = error instanceof Error ? error.message : String(error);
        log("warn", `the certificate could not be renewed yet: ${words}`);
      }
    },
    onCertificate: async (chain) => {
      const { notAfter, cert } = await finishRenewal(stateDir, chain, now());
      inUse = cert;
      log("info", `a new certificate is in force until ${notAfter.toISOString()}`);
      settle(({ resolve }) => resolve());
    },
    onRefused: ({ code, message }) => {
      log("warn", `the controller refuses a new certificate: ${code}: ${message}`);
      settle(({ reject }) => reject(new HoldfastError("CONTROLLER_REFUSED", { message: `${code}: ${message}` })));
    },
  };
}

function createPause() {
  let ms = FIRST_PAUSE_MS;
  let until = 0;
  return {
    isOver: (): boolean => performance.now() >= until,
    failed: (): void => {
      until = performance.now() + ms;
      ms = Math.min(2 * ms, LONGEST_PAUSE_MS);
    },
    succeeded: (): void => {
      ms = FIRST_PAUSE_MS;
    },
  };
}

/** Expired, or given up by the controller because a newer one was seen: this host was restored from an image. */
function isOfNoUse({ notAfter }: ClientIdentity, now: Date, lastProblem: string | null): boolean {
  return now >= notAfter || lastProblem?.includes("CERTIFICATE_SUPERSEDED") === true;
}

async function renewByHttps({ stateDir, now, link, log, signal }: RenewalParts): Promise<string> {
  const { notAfter, cert } = await renewExpired(stateDir, now, signal);
  log("info", `the certificate was renewed over HTTPS until ${notAfter.toISOString()}`);
  link()?.reconnect("a new certificate");
  return cert;
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
