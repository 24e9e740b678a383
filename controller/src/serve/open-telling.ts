import type { Allowed } from "../adapters/outbound/guard.ts";
import { secretBox } from "../adapters/secrets/box.ts";
import { openKeyFile } from "../adapters/secrets/key-file.ts";
import type { Telling } from "../services/channels/telling.ts";

/** Throws when the file holds no key. */
export async function openTelling(keyFile: string, allowed: Allowed): Promise<Telling> {
  return { secrets: secretBox(await openKeyFile(keyFile)), outbound: { allowed } };
}
