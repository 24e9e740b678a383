const TRIES = 20;

/** QEMU times the stretching of a LUKS key by CPU usage, and on a busy machine often cannot: that alone is tried again. */
export async function despiteLuksTiming<T>(make: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await make();
    } catch (error) {
      const { message = "", details = "" } = error as { message?: string; details?: string };
      if (tries === TRIES || !/accurate CPU usage/.test(`${message} ${details}`)) throw error;
    }
  }
}
