import type { Logger } from "pino";
import type { OutboundSettings } from "../../adapters/outbound/request.ts";
import type { SecretBox } from "../../adapters/secrets/box.ts";
import type { ServiceContext } from "../context.ts";

/** What people are told by: where anything may be sent at all, and what opens the channels' secrets. */
export type Telling = { secrets: SecretBox; outbound: OutboundSettings };

export type ChannelContext = ServiceContext & { log: Logger; telling: Telling };
