/** The operator's own certificate for browsers, read again when its files change. */
import { readFile } from "node:fs/promises";
import { createSecureContext } from "node:tls";
import { ControllerError } from "../errors.ts";
import type { ServerIdentity } from "../http/listener.ts";
import type { Job } from "../jobs/run-jobs.ts";

export type BrowserCertificate = { current: () => ServerIdentity; job: Job };

const LOOK_EVERY_MS = 60_000;

/** BAD_CONFIG when the files cannot be read or do not belong together. A later change that is wrong is not taken. */
export async function openBrowserCertificate(files: {
  certFile: string;
  keyFile: string;
}): Promise<BrowserCertificate> {
  let current = await readPair(files);
  return {
    current: () => current,
    job: {
      name: "browser-certificate",
      everyMs: LOOK_EVERY_MS,
      async run() {
        current = await readPair(files);
      },
    },
  };
}

async function readPair({ certFile, keyFile }: { certFile: string; keyFile: string }): Promise<ServerIdentity> {
  try {
    const pair = { cert: await readFile(certFile, "utf8"), key: await readFile(keyFile, "utf8") };
    createSecureContext(pair);
    return pair;
  } catch (cause) {
    throw new ControllerError("BAD_CONFIG", {
      message: `the certificate for browsers cannot be used (${certFile}, ${keyFile}): both must be PEM and belong together`,
      details: cause instanceof Error ? cause.message : String(cause),
      cause,
    });
  }
}
