import type { EventBody, EventKind } from "@holdfast/protocol";
import type { Work } from "../work.ts";

export type Handling = { agentId: string; now: Date; work: Work };

/**
 * Applies one event to the rows; doing it twice is doing it once. Answers why it could not be applied, and then has
 * changed nothing; null when it was.
 */
export type Handler<Kind extends EventKind> = (body: EventBody<Kind>, handling: Handling) => string | null;
