/** Starts a daemon as the agent does, prints its process group, and waits to be killed. */
import { startDaemon } from "../../../agent/src/exec.ts";

const { pid } = await startDaemon("sleep", ["1000"], {});
process.stdout.write(`${pid}\n`);
setInterval(() => undefined, 1000);
