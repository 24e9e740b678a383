import type { IncomingMessage } from "node:http";
import { ControllerError } from "../errors.ts";

const JSON_TYPE = /^application\/(?:[a-z.-]+\+)?json\s*(?:;|$)/i;

/**
 * A request's JSON; undefined when it has no body. Never holds more than `maxBytes` of it, whatever its length says.
 * BODY_TOO_LARGE, UNSUPPORTED_MEDIA_TYPE, BAD_REQUEST.
 */
export async function readJsonBody(incoming: IncomingMessage, maxBytes: number): Promise<unknown> {
  if (Number(incoming.headers["content-length"] ?? 0) > maxBytes) throw tooLarge(maxBytes);
  const bytes = await readBytes(incoming, maxBytes);
  if (bytes.length === 0) return undefined;
  if (!JSON_TYPE.test(incoming.headers["content-type"] ?? ""))
    throw new ControllerError("UNSUPPORTED_MEDIA_TYPE", { message: "the body must be application/json" });
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)) as unknown;
  } catch (cause) {
    throw new ControllerError("BAD_REQUEST", {
      message: "the body is no JSON",
      details: (cause as Error).message,
      cause,
    });
  }
}

function readBytes(incoming: IncomingMessage, maxBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    let size = 0;
    const settle = (how: () => void) => {
      incoming.off("data", take).off("end", finish).off("error", fail).off("close", cut);
      how();
    };
    const take = (piece: Buffer) => {
      size += piece.length;
      if (size > maxBytes) settle(() => reject(tooLarge(maxBytes)));
      else pieces.push(piece);
    };
    const finish = () => settle(() => resolve(Buffer.concat(pieces)));
    const fail = (cause: unknown) => settle(() => reject(cutOff(cause)));
    const cut = () => fail(undefined);
    incoming.on("data", take).on("end", finish).on("error", fail).on("close", cut);
  });
}

function tooLarge(maxBytes: number): ControllerError {
  return new ControllerError("BODY_TOO_LARGE", { message: `the body is larger than ${maxBytes} bytes` });
}

function cutOff(cause: unknown): ControllerError {
  return new ControllerError("BAD_REQUEST", { message: "the body ended before it was complete", cause });
}
