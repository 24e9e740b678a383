/** Starts the bench's controller, asks it what it used, and kills it. */
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { ServerOrder, ServerUsage, ServerWord } from "./server.ts";

export type Controller = AsyncDisposable & {
  port: number;
  usage: () => Promise<ServerUsage>;
  /** SIGKILL. */
  kill: () => Promise<void>;
};

const SERVER = fileURLToPath(new URL("./start.mjs", import.meta.url));

export async function startController(order: ServerOrder): Promise<Controller> {
  const child = fork(SERVER, [], { execArgv: [], stdio: ["ignore", "inherit", "inherit", "ipc"] });
  const listening = answer(child, "listening");
  child.send(order);
  const { port } = await listening;
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await gone;
  };
  return {
    port,
    async usage() {
      const told = answer(child, "usage");
      child.send({});
      return (await told).usage;
    },
    kill,
    [Symbol.asyncDispose]: kill,
  };
}

function answer<Type extends ServerWord["type"]>(
  child: ChildProcess,
  type: Type,
): Promise<Extract<ServerWord, { type: Type }>> {
  return new Promise((resolve, reject) => {
    const ended = () => reject(new Error("the bench's controller ended"));
    child.once("exit", ended);
    child.on("message", function hear(word: ServerWord) {
      if (word.type !== type) return;
      child.off("message", hear).off("exit", ended);
      resolve(word as Extract<ServerWord, { type: Type }>);
    });
  });
}
