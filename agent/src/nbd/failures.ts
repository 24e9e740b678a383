import { type ErrorCode, HoldfastError } from "../errors.ts";
import { OPTION_ERROR, OPTION_ERROR_NAMES } from "./protocol.ts";

/** The error numbers that the protocol knows; they are its own and do not depend on either side's system. */
const ERRNO: Readonly<Record<number, { name: string; code: ErrorCode; remedy: string }>> = {
  1: { name: "EPERM", code: "NBD_REFUSED", remedy: "Export it writable, or check what the server allows." },
  5: { name: "EIO", code: "IO_ERROR", remedy: "Check the disk behind the export before you trust it further." },
  12: { name: "ENOMEM", code: "IO_ERROR", remedy: "The server ran out of memory: give it more, then try again." },
  22: { name: "EINVAL", code: "NBD_REFUSED", remedy: "The server cannot serve that request: look into its log." },
  28: { name: "ENOSPC", code: "NO_SPACE", remedy: "Free space where the server writes, then run it again." },
  75: {
    name: "EOVERFLOW",
    code: "NBD_REFUSED",
    remedy: "The server accepts only smaller requests: look into its log.",
  },
  95: { name: "ENOTSUP", code: "NBD_REFUSED", remedy: "The server lacks that operation: use a newer one." },
  108: { name: "ESHUTDOWN", code: "NBD_REFUSED", remedy: "The server is shutting down: start it, then run it again." },
};

const SHOWN_TEXT = 300;

/** What a server says, made safe for a log line: bounded, and no control characters. */
function quoteServer(text: Uint8Array): string {
  const plain = new TextDecoder().decode(text.subarray(0, SHOWN_TEXT));
  return plain.replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, " ").trim();
}

/** The server broke the protocol: nothing it said on this connection can be relied on. */
export function protocolError(message: string, cause?: unknown): HoldfastError {
  return new HoldfastError("NBD_PROTOCOL", {
    message: `The NBD server broke the protocol: ${message}`,
    remedy: "Check that the address is an NBD server's, that it still runs, and what its log says.",
    ...(cause !== undefined && { cause }),
  });
}

/** `during` says which request, such as `read of 4096 bytes at 0`; `text` is the server's own explanation. */
export function serverError(errno: number, during: string, text: Uint8Array): HoldfastError {
  const known = ERRNO[errno];
  const said = quoteServer(text);
  return new HoldfastError(known?.code ?? "IO_ERROR", {
    message: `The NBD server answered ${known?.name ?? `errno ${errno}`} to a ${during}`,
    remedy: known?.remedy ?? "Look into the server's log.",
    ...(said !== "" && { details: said }),
  });
}

/** The server declined an option of the handshake. */
export function optionRefused(type: number, doing: string, text: Uint8Array): HoldfastError {
  const name = OPTION_ERROR_NAMES[type] ?? `0x${type.toString(16)}`;
  const said = quoteServer(text);
  const parts = { message: `The NBD server refused ${doing} (${name})`, ...(said !== "" && { details: said }) };
  switch (type) {
    case OPTION_ERROR.tlsRequired:
      return new HoldfastError("NBD_REFUSED", { ...parts, remedy: "It insists on TLS: use an nbds:// address." });
    case OPTION_ERROR.unknownExport:
      return new HoldfastError("NBD_REFUSED", { ...parts, remedy: "Check the export's name." });
    default:
      return new HoldfastError("NBD_REFUSED", { ...parts, remedy: "Look into the server's log." });
  }
}

export function cancelled(): HoldfastError {
  return new HoldfastError("CANCELLED", { message: "The NBD connection was ended because the run was cancelled" });
}

export function timedOut(what: string, milliseconds: number): HoldfastError {
  return new HoldfastError("TIMEOUT", {
    message: `${what}: nothing came from the NBD server for ${milliseconds / 1000} s`,
    remedy: "Check the server, the network and the disk behind the export.",
  });
}

/** With TLS 1.3 a server judges the client's certificate only after the client thinks that all is well. */
export function endedAfterTls(): HoldfastError {
  return new HoldfastError("NBD_REFUSED", {
    message: "The NBD server ended the connection as soon as TLS was set up",
    remedy: "It may ask for a client certificate that it trusts: set `cert` and `key`, or look into its log.",
  });
}

/** Connecting failed, or TLS did: the system's own words become the details. */
export function connectFailed(endpoint: string, error: unknown): HoldfastError {
  if (error instanceof HoldfastError) return error;
  const cause = error instanceof Error ? error : new Error(String(error));
  const { code = "" } = cause as NodeJS.ErrnoException;
  if (code.startsWith("ERR_SSL") && !code.includes("ALERT")) return protocolError(`no TLS: ${cause.message}`, cause);
  return new HoldfastError("NBD_REFUSED", {
    message: `Cannot connect to the NBD server ${endpoint}`,
    remedy: "Check address, permissions and, with TLS, that the certificates belong together.",
    details: `${code} ${cause.message}`.trim(),
    cause,
  });
}
