/** What the controller asks of the daemon, handed on one after the other. */
import type { LinkHooks, LinkPorts } from "./ports.ts";
import type { Delivery } from "./state.ts";

/** Above the first no more is read from the socket until fewer than the second wait. */
const MANY = 64;
const FEW = 16;

export type Deliveries = {
  take(frame: Delivery): void;
  /** Tells the facts again when they are owed; at most one such run at a time. */
  settleFacts(): void;
  /** Resolves when everything taken was handed on. */
  idle(): Promise<void>;
};

export type DeliveryEvents = {
  /** What the controller sent could not be written down: it has to send it again. */
  onUnfit: (why: string) => void;
  onNewCertificate: () => void;
  onCrowded: (crowded: boolean) => void;
};

export function makeDeliveries({ spool, hooks, log }: LinkPorts, events: DeliveryEvents): Deliveries {
  let lane: Promise<void> = Promise.resolve();
  let telling: Promise<void> | undefined;
  let waiting = 0;
  const hook = async (name: string, work: () => void | Promise<void>): Promise<boolean> => {
    try {
      await work();
      return true;
    } catch (error) {
      log("error", `${name} failed: ${error instanceof Error ? error.message : String(error)}`);
      return false;
    }
  };
  const orUnfit = (write: () => HookCall | null): HookCall | null => {
    try {
      return write();
    } catch (error) {
      events.onUnfit(error instanceof Error ? error.message : String(error));
      return null;
    }
  };
  const handOn = async (frame: Delivery): Promise<void> => {
    const work = orUnfit(() => noted(spool, hooks, frame));
    if (work === null) return;
    const done = await hook(`the ${frame.type} from the controller`, work);
    if (done && frame.type === "certificate") events.onNewCertificate();
  };
  return {
    take: (frame) => {
      waiting += 1;
      if (waiting === MANY) events.onCrowded(true);
      lane = lane.then(async () => {
        await handOn(frame);
        waiting -= 1;
        if (waiting === FEW) events.onCrowded(false);
      });
    },
    settleFacts: () => {
      telling ??= tellFacts({ spool, hooks }, hook).finally(() => {
        telling = undefined;
      });
    },
    idle: async () => {
      await lane;
      await telling;
    },
  };
}

type HookCall = () => void | Promise<void>;

/** Writes down what has to be, and answers what is left to do; null: nothing. */
function noted(spool: LinkPorts["spool"], hooks: LinkHooks, frame: Delivery): HookCall | null {
  switch (frame.type) {
    case "command":
      return spool.commands.note(frame.command, frame.was_accepted) === "new"
        ? () => hooks.onCommand(frame.command)
        : null;
    case "cancel":
      return () => hooks.onCancel(frame.command_id);
    case "policy":
      return spool.policy.put(frame.policy) ? () => hooks.onPolicy(frame.policy) : null;
    case "certificate":
      return () => hooks.onCertificate(frame.chain);
    case "renew_refused":
      return () => hooks.onRenewRefused(frame);
  }
}

async function tellFacts(
  { spool, hooks }: Pick<LinkPorts, "spool" | "hooks">,
  hook: (name: string, work: HookCall) => Promise<boolean>,
): Promise<void> {
  await hook("telling the facts again", async () => {
    const owed = spool.facts.owed();
    if (owed === null) return;
    await hooks.tellAgain(owed.reason);
    spool.facts.settle(owed.number);
  });
}
