/**
 * A stand-in for the guest agent: it speaks the agent's own protocol on a unix socket (a real one needs a whole
 * operating system in the guest), serves one client at a time as QEMU's character devices do, and can be told to fail.
 */
import { rm } from "node:fs/promises";
import { createServer, type Socket } from "node:net";

export type FakeAgentOptions = {
  path: string;
  /** `deaf`: accepts and never answers; `refuse`: says no to the freeze; `stuck`: says no to the first thaw. */
  mood?: "deaf" | "refuse" | "stuck";
  /** Time between the freeze and its answer. */
  freezeTakesMs?: number;
  /** Called while the guest is frozen, before the freeze is answered. */
  onFreeze?: () => void;
};

export type FakeAgent = {
  frozen: () => boolean;
  /** Commands in the order in which they came. */
  heard: string[];
  close: () => Promise<void>;
};

export async function startFakeAgent(options: FakeAgentOptions): Promise<FakeAgent> {
  const heard: string[] = [];
  let frozen = false;
  let busy = Promise.resolve();
  const answer = async (socket: Socket, line: string): Promise<void> => {
    const { execute, arguments: given } = JSON.parse(line) as { execute: string; arguments?: { id?: number } };
    heard.push(execute);
    const reply = (value: object): void => void socket.write(`${JSON.stringify(value)}\n`);
    switch (execute) {
      case "guest-sync-delimited":
        socket.write(Buffer.of(0xff));
        return reply({ return: given?.id });
      case "guest-fsfreeze-status":
        return reply({ return: frozen ? "frozen" : "thawed" });
      case "guest-fsfreeze-freeze":
        if (options.mood === "refuse") return reply({ error: { class: "GenericError", desc: "not today" } });
        frozen = true;
        options.onFreeze?.();
        await new Promise((wake) => setTimeout(wake, options.freezeTakesMs ?? 0));
        return reply({ return: 2 });
      case "guest-fsfreeze-thaw":
        if (options.mood === "stuck" && heard.filter((one) => one === execute).length === 1) {
          return reply({ error: { class: "GenericError", desc: "not yet" } });
        }
        frozen = false;
        return reply({ return: 2 });
      default:
        return reply({ error: { class: "CommandNotFound", desc: execute } });
    }
  };
  const serve = (socket: Socket): Promise<void> =>
    new Promise((resolve) => {
      let held = "";
      socket.on("error", () => undefined).once("close", () => resolve());
      socket.setEncoding("latin1").on("data", (text: string) => {
        const lines = `${held}${text}`.split("\n");
        held = lines.pop() ?? "";
        if (options.mood === "deaf") return;
        for (const line of lines) busyAnswer(socket, line.replace(/^.*\xff/, ""));
      });
      socket.resume();
    });
  let turn = Promise.resolve();
  const busyAnswer = (socket: Socket, line: string): void => {
    busy = busy.then(() => answer(socket, line));
  };
  const sockets = new Set<Socket>();
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    sockets.add(socket);
    turn = turn.then(() => serve(socket));
  });
  await rm(options.path, { force: true });
  await new Promise<void>((resolve) => server.listen(options.path, resolve));
  return {
    frozen: () => frozen,
    heard,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}
