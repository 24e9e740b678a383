/** Options for a QEMU tool that is started with these secrets (by id, see `StartOptions`): never an argument or a file. */
export function secretObjects(secrets: ReadonlyMap<string, Uint8Array>): string[] {
  return [...secrets.keys()].flatMap((id, at) => ["--object", `secret,id=${id},file=/proc/self/fd/${3 + at}`]);
}
