/** The certificate of the controller's own ports, made anew long before it ends. */
import type { Authority } from "./authority.ts";
import { issueServerCertificate, type ServerCertificate } from "./issue.ts";

const LOOK_EVERY_MS = 3_600_000;

export type KeptServerCertificate = { current: () => ServerCertificate; stop: () => void };

/**
 * Makes a certificate now, and another whenever half of its time is over. `onNew` gets each later one, to be set with
 * `server.setSecureContext`; connections that stand are not touched. It lives in memory only: a start makes a new one.
 */
export function keepServerCertificate(
  authority: Authority,
  names: readonly string[],
  now: () => Date,
  onNew: (certificate: ServerCertificate) => void,
  lookEveryMs = LOOK_EVERY_MS,
): KeptServerCertificate {
  let current = issueServerCertificate(authority, names, now());
  const look = (): void => {
    const half = (current.notBefore.getTime() + current.notAfter.getTime()) / 2;
    if (now().getTime() < half) return;
    current = issueServerCertificate(authority, names, now());
    onNew(current);
  };
  const timer = setInterval(look, lookEveryMs).unref();
  return { current: () => current, stop: () => clearInterval(timer) };
}
