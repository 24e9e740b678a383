/** The sending half of a WebSocket, and the ways to end it. */
import { type ControllerFrame, encodeFrame } from "@holdfast/protocol";
import { WebSocket } from "ws";
import type { Refusal } from "./session.ts";

export type Outlet = {
  /** false: not sent. */
  send(frame: ControllerFrame): boolean;
  /** Says why, closes, and cuts the connection when the peer does not close it in time. */
  end(refusal: Refusal): void;
  /** Cuts it. */
  cut(): void;
};

const POLICY_VIOLATION = 1008;
const TRY_AGAIN_LATER = 1013;
const CLOSING_MS = 3000;

export function outletOf(socket: WebSocket, unreadBytes: number): Outlet {
  function send(frame: ControllerFrame): boolean {
    if (socket.readyState !== WebSocket.OPEN) return false;
    const text = encoded(frame);
    if (text === null) return false;
    // Who does not read what it asked for would have us hold it for ever.
    if (socket.bufferedAmount > unreadBytes) socket.terminate();
    else socket.send(text);
    return socket.readyState === WebSocket.OPEN;
  }
  return {
    send,
    end({ code, message, retryAfterSeconds }) {
      send({ type: "refused", code, message: message.slice(0, 4000), retry_after_seconds: retryAfterSeconds });
      socket.close(retryAfterSeconds === null ? POLICY_VIOLATION : TRY_AGAIN_LATER, code);
      // A peer that was paused would never be heard saying goodbye.
      socket.resume();
      setTimeout(() => socket.terminate(), CLOSING_MS).unref();
    },
    cut: () => socket.terminate(),
  };
}

/** null: larger than a frame may be. */
function encoded(frame: ControllerFrame): string | null {
  try {
    return encodeFrame(frame);
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}
