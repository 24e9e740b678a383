/** Writes one file over and over, each time a whole content of its own; says so after the first time. */
import { writeDurably } from "../../../agent/src/durable.ts";

const [path = "", length = "0"] = process.argv.slice(2);
for (let round = 0; ; round++) {
  await writeDurably(path, `${round % 10}`.repeat(Number(length)));
  if (round === 0) process.stdout.write("written\n");
}
