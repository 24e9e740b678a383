/** Keeps a program running: one that ends, however it ends, is started again, and that is said. */
import { setTimeout as sleep } from "node:timers/promises";
import { HoldfastError } from "../../errors.ts";
import { type Daemon, startDaemon } from "../../exec.ts";
import { afterDeath, type Death } from "./deaths.ts";
import { type LogFile, openLogFile } from "./log-file.ts";

export type Program = {
  /** For people. */
  name: string;
  command: string;
  args: readonly string[];
  /** Where its output goes. */
  logFile: string;
  /** Found in its output once it does its work. */
  readyWhen: RegExp;
};

export type Running = {
  /** The newest process; null while there is none. */
  pid: () => number | null;
  restarts: () => number;
  /** Resolves when it did its work for the first time; rejects as `givenUp`. */
  whenReady: Promise<void>;
  /** Rejects when the program is given up: TOOL_MISSING, or TOOL_FAILED with its last lines. Never resolves. */
  givenUp: Promise<never>;
  /** Ends it, first by asking. */
  stop: () => Promise<void>;
};

/** The shell becomes the program after it has said the process's id, which is otherwise that of its guard. */
const SAY_PID = 'echo "pid $$"; exec "$@"';
const NOT_FOUND = 127;
const KILLED = 137;

/** `say` hears of every start and every end. */
export function keepRunning(program: Program, say: (sentence: string) => void): Running {
  const log = openLogFile(program.logFile);
  const { promise: givenUp, reject } = Promise.withResolvers<never>();
  // Whoever waits for something else meanwhile must not be ended by it.
  givenUp.catch(() => undefined);
  const { promise: ready, resolve: onReady } = Promise.withResolvers<void>();
  const state: State = { daemon: null, pid: null, isReady: false, stopping: new AbortController(), deaths: [] };
  const whenReady = Promise.race([ready, givenUp]);
  whenReady.catch(() => undefined);
  const lives = live(program, { log, say, state, onReady }).catch(reject);
  return {
    pid: () => state.pid,
    restarts: () => state.deaths.length,
    whenReady,
    givenUp,
    stop: async () => {
      if (state.stopping.signal.aborted) return await lives;
      state.stopping.abort();
      await state.daemon?.stop();
      await lives;
      log.close();
    },
  };
}

type State = {
  daemon: Daemon | null;
  pid: number | null;
  isReady: boolean;
  stopping: AbortController;
  deaths: Death[];
};
type Life = { log: LogFile; say: (sentence: string) => void; state: State; onReady: () => void };

async function live(program: Program, life: Life): Promise<void> {
  const { log, say, state } = life;
  const { signal } = state.stopping;
  while (!signal.aborted) {
    const end = await liveOnce(program, life);
    if (signal.aborted) return;
    state.deaths.push({ at: performance.now(), wasReady: state.isReady });
    const { giveUp, waitMs } = afterDeath(state.deaths);
    if (end.code === NOT_FOUND) throw missing(program, log);
    const how = end.code === KILLED ? "was killed" : `ended with code ${end.code}`;
    if (giveUp) throw cannotStay(program, how, log);
    say(`${program.name} (pid ${end.pid}) ${how}; it is started again`);
    await sleep(waitMs, undefined, { signal }).catch(() => undefined);
  }
}

async function liveOnce(
  program: Program,
  { log, say, state, onReady }: Life,
): Promise<{ code: number | null; pid: number }> {
  let pid = 0;
  let said = "";
  state.isReady = false;
  log.begin();
  const onOutput = (text: string): void => {
    log.write(text);
    if (state.isReady) return;
    said = `${said}${text}`.slice(-65_536);
    const found = /^pid (\d+)$/m.exec(said);
    if (pid === 0 && found !== null) {
      pid = Number(found[1]);
      state.pid = pid;
      say(`${program.name}: pid ${pid}`);
    }
    state.isReady = program.readyWhen.test(said);
    if (state.isReady) onReady();
  };
  const command = ["-c", SAY_PID, program.name, program.command, ...program.args];
  const daemon = await startDaemon("/bin/sh", command, { onOutput });
  state.daemon = daemon;
  if (state.stopping.signal.aborted) await daemon.stop();
  const { code } = await daemon.ended;
  state.pid = null;
  return { code, pid };
}

function missing({ command }: Program, log: LogFile): HoldfastError {
  return new HoldfastError("TOOL_MISSING", {
    message: `${command} is not installed`,
    remedy: "Start this from a checkout with `npm start`, or put the controller's program on the PATH.",
    details: log.newest().join("\n"),
  });
}

function cannotStay({ name, logFile }: Program, how: string, log: LogFile): HoldfastError {
  return new HoldfastError("TOOL_FAILED", {
    message: `${name} ${how} again and again and is not started any more`,
    remedy: `See its last lines below, and ${logFile}.`,
    details: log.newest().join("\n"),
  });
}
