import { HoldfastError } from "../errors.ts";
import { connectNbd, type NbdClient } from "../nbd/client.ts";
import type { NbdEndpoint } from "../nbd/endpoint.ts";
import { BASE_ALLOCATION } from "../nbd/extents.ts";

export type SteadyClient = Pick<NbdClient, "read" | "blockStatus" | "close">;

/** Whether the server hung up. */
export function isDisconnect(error: unknown): boolean {
  return error instanceof HoldfastError && error.code === "NBD_PROTOCOL" && /closed the connection/.test(error.message);
}

/** Whether a part of the disk could not be read, as opposed to a server or a tool that failed. */
export function isReadError(error: unknown): boolean {
  return error instanceof HoldfastError && error.code === "IO_ERROR";
}

/**
 * A connection that outlives read errors: QEMU answers one in the middle of a sparse reply by hanging up. It then
 * connects again and throws IO_ERROR; a server that is really gone throws NBD_REFUSED. Use it for one thing at a time.
 */
export async function connectSteadily(endpoint: NbdEndpoint, signal?: AbortSignal): Promise<SteadyClient> {
  const connect = (): Promise<NbdClient> =>
    connectNbd(endpoint, { contexts: [BASE_ALLOCATION], ...(signal && { signal }) });
  let client = await connect();

  async function attempt<T>(use: (client: NbdClient) => Promise<T>): Promise<T> {
    try {
      return await use(client);
    } catch (error) {
      if (!isDisconnect(error)) throw error;
      await client.close();
      client = await connect();
      throw new HoldfastError("IO_ERROR", { message: "QEMU ended the connection at a read error", cause: error });
    }
  }

  return {
    read: (offset, target) => attempt((one) => one.read(offset, target)),
    blockStatus: (context, offset, length) => attempt((one) => one.blockStatus(context, offset, length)),
    close: () => client.close(),
  };
}
