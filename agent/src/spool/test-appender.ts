/** A process of its own that appends: `<state folder> <name> <how many>`; prints each id once append has answered. */
import { openSpool } from "./spool.ts";
import { result } from "./test-events.ts";

const [folder = "", name = "", count = "0"] = process.argv.slice(2);
const spool = openSpool(folder);
for (let n = 0; n < Number(count); n++) {
  const ids = spool.append([result(`${name}-${n}`), result(`${name}-${n}-second`)]);
  process.stdout.write(`${ids.join(" ")}\n`);
}
spool.close();
