/** One piece of work on a host's or a controller's identity, to be killed: the work as JSON in the first argument. */
import { kill, pid } from "node:process";
import { enrol } from "../../agent/src/identity/enrol.ts";
import { renewExpired, tidyIdentity } from "../../agent/src/identity/renew.ts";
import type { Store } from "../../controller/src/store/db.ts";
import type { IdentityWork } from "../helpers/identity-kill.ts";

function die(): void {
  kill(pid, "SIGKILL");
}

/** A store whose next write, once it is armed, is the last thing that happens. */
function deadly(store: Store, at: "in-transaction" | "after-commit", isArmed: () => boolean): Store {
  return {
    ...store,
    async write(work) {
      const result = await store.write(async (db) => {
        const made = await work(db);
        if (isArmed() && at === "in-transaction") die();
        return made;
      });
      if (isArmed()) die();
      return result;
    },
  };
}

async function serve({ folder, dieAt }: IdentityWork & { do: "serve" }): Promise<void> {
  // Loaded only by who needs it: each of many workers would take a second longer.
  const { startIdentityServer } = await import("../helpers/identity-server.ts");
  let isArmed = false;
  const server = await startIdentityServer({
    folder,
    around: (store) => (dieAt === null || dieAt === "before-answer" ? store : deadly(store, dieAt, () => isArmed)),
    beforeAnswer: () => {
      if (dieAt === "before-answer") die();
    },
  });
  const token = await server.token();
  isArmed = true;
  process.stdout.write(`${JSON.stringify({ event: "serving", url: server.url, token })}\n`);
}

async function work(order: IdentityWork): Promise<void> {
  switch (order.do) {
    case "serve":
      return await serve(order);
    case "authority": {
      const { openAuthority } = await import("../../controller/src/adapters/pki/authority.ts");
      return void (await openAuthority(order.folder, new Date()));
    }
    case "enrol": {
      const host = { hostname: "web", platform: "linux", agentVersion: "0.1.0", now: () => new Date() };
      return void (await enrol({ ...order, ...host }));
    }
    case "renew":
      await tidyIdentity(order.stateDir);
      return void (await renewExpired(order.stateDir, () => new Date()));
  }
}

await work(JSON.parse(process.argv[2] ?? "") as IdentityWork);
