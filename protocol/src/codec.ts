/** Frames to text and back. Reading never throws: what cannot be read is an answer of its own. */
import { z } from "zod";
import { type AgentFrame, agentFrames, type ControllerFrame, controllerFrames } from "./frames.ts";
import { MAX_FRAME_BYTES } from "./limits.ts";

/** `unknown`: well-formed, but of a kind that this version does not know: skip it. `malformed`: end the connection. */
export type Decoded<Frame> = { frame: Frame } | { unknown: string } | { malformed: string };

const outer = z.object({ type: z.string().min(1).max(64) }).loose();

/** RangeError when a frame is larger than the other side would take: its writer has to split it. */
export function encodeFrame(frame: AgentFrame | ControllerFrame): string {
  const text = JSON.stringify(frame);
  if (Buffer.byteLength(text) > MAX_FRAME_BYTES)
    throw new RangeError(`a frame of type ${frame.type} is larger than ${MAX_FRAME_BYTES} bytes`);
  return text;
}

export function decodeAgentFrame(text: string): Decoded<AgentFrame> {
  return decode<AgentFrame>(text, agentFrames);
}

export function decodeControllerFrame(text: string): Decoded<ControllerFrame> {
  return decode<ControllerFrame>(text, controllerFrames);
}

function decode<Frame>(text: string, kinds: Readonly<Record<string, z.ZodType>>): Decoded<Frame> {
  if (text.length > MAX_FRAME_BYTES) return { malformed: `a frame of more than ${MAX_FRAME_BYTES} bytes` };
  const value = parseJson(text);
  if (value === undefined) return { malformed: "a frame that is no JSON" };
  const head = outer.safeParse(value);
  if (!head.success) return { malformed: "a frame without a type" };
  const { type } = head.data;
  const schema = Object.hasOwn(kinds, type) ? kinds[type] : undefined;
  if (schema === undefined) return { unknown: type };
  const parsed = schema.safeParse(value);
  if (!parsed.success) return { malformed: `a frame of type ${type}: ${z.prettifyError(parsed.error).slice(0, 1000)}` };
  return { frame: { type, ...(parsed.data as object) } as Frame };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
