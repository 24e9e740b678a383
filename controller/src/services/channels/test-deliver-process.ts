/**
 * A process that empties the outbox of a database, to be killed while it does:
 * `node test-deliver-process.ts <place as JSON> <key of secrets, hex> <milliseconds by which its clock is ahead>`.
 * Prints its number, and `done` when nothing is left.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { pino } from "pino";
import { secretBox } from "../../adapters/secrets/box.ts";
import { ControllerError } from "../../errors.ts";
import type { Store } from "../../store/db.ts";
import { openStore } from "../../store/store.ts";
import type { StorePlace } from "../../store/test-stores.ts";
import { deliverDue } from "./deliver.ts";

/** A PostgreSQL server needs a moment to notice that the one before was killed. */
async function opened(place: StorePlace): Promise<Store> {
  for (;;) {
    try {
      return await openStore(place);
    } catch (error) {
      if (!(error instanceof ControllerError) || error.code !== "DATABASE_IN_USE") throw error;
      await sleep(50);
    }
  }
}

const [place = "", key = "", ahead] = process.argv.slice(2);
process.stdout.write(`${process.pid}\n`);
const store = await opened(JSON.parse(place) as StorePlace);
const telling = { secrets: secretBox(Buffer.from(key, "hex")), outbound: { allowed: ["127.0.0.1"], timeoutMs: 5000 } };
const context = {
  ...{ store, telling, log: pino({ level: "silent" }) },
  now: () => new Date(Date.now() + Number(ahead)),
};
await deliverDue(context, new AbortController().signal);
await store.close();
process.stdout.write("done\n");
