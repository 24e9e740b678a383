import type { Logger } from "pino";
import type { Telling } from "../channels/telling.ts";
import type { Delivery } from "../commands/delivery.ts";
import type { ServiceContext } from "../context.ts";
import type { Feed } from "../feed/feed.ts";
import type { Policies } from "../policies/policies.ts";
import type { Links } from "../presence/links.ts";
import type { Presence } from "../presence/presence.ts";

/** What works by itself works with. */
export type ControlContext = ServiceContext & {
  log: Logger;
  links: Links;
  presence: Pick<Presence, "of">;
  delivery: Delivery;
  feed: Pick<Feed, "publish">;
  policies: Pick<Policies, "changed">;
  telling: Telling;
  /** Gets a sign of life every minute while all is well; null: nobody watches this controller. */
  deadManUrl: string | null;
  /** What keeps this controller from its work, each a sentence: its database, its disk, its own jobs. */
  troubles: () => Promise<readonly string[]>;
  /** When the first certificate of its own authority ends. */
  authorityEndsAt: Date;
  /** Of this process: nobody can have been missing for longer than it has looked. */
  startedAt: Date;
};
