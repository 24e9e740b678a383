import type { Authority } from "../../adapters/pki/authority.ts";
import type { ServiceContext } from "../context.ts";

/** `agentUrl`: where agents find their port, `wss://host:port`; told to each that enrols or renews. */
export type IdentityContext = ServiceContext & { authority: Authority; agentUrl: string };
