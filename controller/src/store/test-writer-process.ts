/**
 * A process that writes pairs of settings until it is killed, and prints a pair's number once it was acknowledged:
 * `node test-writer-process.ts <file> <from>`.
 */
import { openStore } from "./store.ts";

const [file, from] = process.argv.slice(2);
if (file === undefined) throw new Error("name the database");
const store = await openStore({ file });
process.stdout.write("open\n");
for (let number = Number(from); ; number++) {
  await store.write(async (db) => {
    await db.insert(db.tables.settings).values({ name: `${number}-first`, value: "x".repeat(20_000) });
    await db.insert(db.tables.settings).values({ name: `${number}-second`, value: 1 });
  });
  process.stdout.write(`${number}\n`);
}
