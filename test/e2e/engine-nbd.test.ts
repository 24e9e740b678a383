import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { SourceSpec } from "@holdfast/protocol";
import { describe, expect, it } from "vitest";
import { makeRawDisk, noise, qemuIo, readImage, runProgram, sha256, writeAt } from "../helpers/disks.ts";
import { type Bench, inventory, only, openBench, refusal, restoreByQemuImg } from "../helpers/engine.ts";
import { startNbdkit, startNbdkitTcp, startQemuExport } from "../helpers/nbd-servers.ts";

const MIB = 2 ** 20;
const SIZE = 8 * MIB;

const unixSource = (socket: string, exportName = ""): SourceSpec => ({
  kind: "nbd",
  uri: `nbd+unix:///${exportName}?socket=${socket}`,
});

async function makeDisk(bench: Bench): Promise<string> {
  const disk = join(bench.folder, "served.raw");
  await makeRawDisk(disk, SIZE, { 0: noise(3 * MIB, 1), [5 * MIB]: noise(70_000, 2) });
  return disk;
}

async function restored(bench: Bench, backup: Awaited<ReturnType<Bench["backup"]>>): Promise<string> {
  return sha256(await restoreByQemuImg(bench.diskFolder, only(backup)));
}

const digestOf = async (disk: string): Promise<string> => sha256(await readImage(disk, "raw"));

/** A certificate authority, and a certificate for 127.0.0.1 and one for the client that it signed. */
async function makeCertificates(folder: string): Promise<void> {
  await mkdir(folder);
  const at = (name: string): string => join(folder, name);
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
  const ca = ["-x509", "-subj", "/CN=test authority", "-keyout", at("ca-key.pem"), "-out", at("ca-cert.pem")];
  await runProgram("openssl", "req", ...key, ...ca, "-addext", "keyUsage=critical,keyCertSign");
  for (const [name, use] of [
    ["server", "serverAuth"],
    ["client", "clientAuth"],
  ] as const) {
    const own = ["-subj", `/CN=${name}`, "-keyout", at(`${name}-key.pem`), "-out", at(`${name}.csr`)];
    const names = ["-addext", "subjectAltName=IP:127.0.0.1", "-addext", `extendedKeyUsage=${use}`];
    await runProgram("openssl", "req", ...key, ...own, ...names);
    const signed = ["-CA", at("ca-cert.pem"), "-CAkey", at("ca-key.pem"), "-copy_extensions", "copy", "-days", "2"];
    await runProgram("openssl", "x509", "-req", "-in", at(`${name}.csr`), ...signed, "-out", at(`${name}-cert.pem`));
  }
}

describe("a disk that another program serves over NBD", () => {
  it("on a unix socket, by nbdkit: a full and increments by hash map", async () => {
    await using bench = await openBench();
    const disk = await makeDisk(bench);
    await using server = await startNbdkit(["-r", "file", disk]);
    const context = { nbdServers: [`unix:${server.endpoint.socket}`] };
    const disks = [unixSource(server.endpoint.socket)];
    const full = await bench.backup({ disks }, context);
    expect(only(full)).toMatchObject({ consistency: "crash-consistent", source: { kind: "nbd" } });
    expect(await restored(bench, full)).toBe(await digestOf(disk));
    await writeAt(disk, 6 * MIB, noise(100, 3));
    const next = await bench.backup({ disks }, context);
    expect(only(next)).toMatchObject({ backup_type: "incremental", bytes_transferred: 65_536 });
    expect(only(next).change_detection).toMatchObject({
      method: "hash-map",
      reason: expect.stringMatching(/offers no bitmap named after/),
    });
    expect(await restored(bench, next)).toBe(await digestOf(disk));
  });

  it("over TCP, only from a server that this host allows", async () => {
    await using bench = await openBench();
    const disk = await makeDisk(bench);
    await using server = await startNbdkitTcp(["-r", "file", disk]);
    const address = `127.0.0.1:${server.endpoint.port}`;
    const disks: SourceSpec[] = [{ kind: "nbd", uri: `nbd://${address}/` }];
    const refused = await refusal(bench.backup({ disks }));
    expect(refused).toMatchObject({ code: "SOURCE_NOT_ALLOWED", remedy: expect.stringMatching(/nbd_servers/) });
    expect(await restored(bench, await bench.backup({ disks }, { nbdServers: [address] }))).toBe(await digestOf(disk));
  });

  it("over TLS with certificates, and not with a server that has another authority's", async () => {
    await using bench = await openBench();
    const disk = await makeDisk(bench);
    const [good, bad] = [join(bench.folder, "good"), join(bench.folder, "bad")];
    await makeCertificates(good);
    await makeCertificates(bad);
    const args = ["--tls=require", `--tls-certificates=${good}`, "--tls-verify-peer", "-r", "file", disk];
    await using server = await startNbdkitTcp(args);
    const address = `127.0.0.1:${server.endpoint.port}`;
    const context = { nbdServers: [address] };
    const source = (ca: string, own: string): SourceSpec => {
      const tls = { ca: join(ca, "ca-cert.pem"), cert: join(own, "client-cert.pem"), key: join(own, "client-key.pem") };
      return { kind: "nbd", uri: `nbds://${address}/`, tls };
    };
    const full = await bench.backup({ disks: [source(good, good)] }, context);
    expect(await restored(bench, full)).toBe(await digestOf(disk));
    const before = await inventory(bench.repository);
    const impostor = await refusal(bench.backup({ disks: [source(bad, bad)] }, context));
    expect(impostor.code).toMatch(/^NBD_/);
    const plain = await refusal(bench.backup({ disks: [{ kind: "nbd", uri: `nbd://${address}/` }] }, context));
    expect(plain.code).toMatch(/^NBD_/);
    const bare = await refusal(bench.backup({ disks: [{ kind: "nbd", uri: `nbds://${address}/` }] }, context));
    expect(bare).toMatchObject({ code: "BAD_CONFIG", remedy: expect.stringMatching(/tls/) });
    expect(await inventory(bench.repository)).toEqual(before);
  });

  it("with a dirty bitmap named after the parent: only what it marks is read and stored", async () => {
    await using bench = await openBench();
    const disk = join(bench.folder, "served.qcow2");
    await runProgram("qemu-img", "create", "-q", "-f", "qcow2", disk, `${SIZE}`);
    await qemuIo(disk, "qcow2", "write -P 1 0 3M");
    const node = `driver=qcow2,node-name=disk,read-only=on,file.driver=file,file.filename=${disk}`;
    const serve = (bitmap?: string): ReturnType<typeof startQemuExport> =>
      startQemuExport(["--blockdev", node], bitmap === undefined ? "" : `,bitmaps.0=${bitmap}`);
    const backUp = async (bitmap?: string): Promise<Awaited<ReturnType<Bench["backup"]>>> => {
      await using server = await serve(bitmap);
      const context = { nbdServers: [`unix:${server.endpoint.socket}`] };
      return await bench.backup({ disks: [unixSource(server.endpoint.socket, "disk")] }, context);
    };
    const full = only(await backUp());
    const bitmap = `holdfast-${full.backup_id}`;
    await runProgram("qemu-img", "bitmap", "--add", "-f", "qcow2", disk, bitmap);
    await qemuIo(disk, "qcow2", "write -P 2 1M 64k", "write -z 2M 64k", "write -P 3 7M 512");
    await runProgram("qemu-img", "bitmap", "--disable", "-f", "qcow2", disk, bitmap);
    const next = await backUp(bitmap);
    expect(only(next).change_detection).toMatchObject({
      method: "dirty-bitmap",
      reason: expect.stringMatching(/server offers a bitmap/),
    });
    expect(only(next).bytes_transferred).toBe(3 * 65_536);
    expect(await restored(bench, next)).toBe(sha256(await readImage(disk, "qcow2")));
    expect(only(await backUp(bitmap)).change_detection.method).toBe("hash-map");
  });
});

describe("an NBD server that lies or fails", () => {
  it.for([
    {
      name: "that fails every read",
      args: ["--filter=error", "--filter=noextents", "memory", "8M", "error=EIO", "error-pread-rate=100%"],
    },
    {
      name: "that fails some reads",
      args: ["--filter=error", "--filter=noextents", "memory", "8M", "error=EIO", "error-pread-rate=50%"],
    },
    {
      name: "that cannot tell where data is",
      args: ["--filter=error", "memory", "8M", "error=EIO", "error-extents-rate=100%"],
    },
    { name: "with an export of no bytes", args: ["memory", "0"] },
  ])("$name", async ({ args }) => {
    await using bench = await openBench();
    await makeRawDisk(join(bench.disks, "disk.raw"), SIZE, { 0: noise(1000, 1) });
    await bench.backup();
    const before = await inventory(bench.repository);
    await using server = await startNbdkit(["--filter=log", ...args, `logfile=${join(bench.folder, "log")}`]);
    const context = { nbdServers: [`unix:${server.endpoint.socket}`] };
    const disks = [unixSource(server.endpoint.socket)];
    for (const type of ["full", "incremental"] as const) {
      const error = await refusal(bench.backup({ disks, type }, context));
      expect(["IO_ERROR", "NBD_PROTOCOL", "NBD_REFUSED", "SOURCE_EMPTY"]).toContain(error.code);
      expect(error.remedy ?? "").not.toBe("");
      expect(await inventory(bench.repository)).toEqual(before);
    }
    expect(only(await bench.backup()).backup_type).toBe("incremental");
  });

  it("that is slow is waited for, one that vanishes in the middle ends the backup", async () => {
    await using bench = await openBench();
    const disk = await makeDisk(bench);
    const slow = ["--filter=delay", "-r", "file", disk, "delay-read=40ms"];
    const server = await startNbdkit(slow);
    const context = { nbdServers: [`unix:${server.endpoint.socket}`] };
    const disks = [unixSource(server.endpoint.socket)];
    expect(await restored(bench, await bench.backup({ disks }, context))).toBe(await digestOf(disk));
    const before = await inventory(bench.repository);
    let ended: Promise<void> | undefined;
    const onProgress = ({ done }: { done: number }): void => {
      if (done > 0) ended ??= Promise.resolve(server[Symbol.asyncDispose]());
    };
    const wish = { disks, type: "full" as const, speedLimit: 2 * MIB };
    const error = await refusal(bench.backup(wish, { ...context, onProgress }));
    await ended;
    expect(["IO_ERROR", "NBD_PROTOCOL", "NBD_REFUSED", "SOURCE_MISSING"]).toContain(error.code);
    expect(error.remedy ?? "").not.toBe("");
    expect(await inventory(bench.repository)).toEqual(before);
  });

  it("that is not there at all", async () => {
    await using bench = await openBench();
    const error = await refusal(bench.backup({ disks: [unixSource(join(bench.disks, "none.sock"))] }));
    expect(error).toMatchObject({ code: "SOURCE_MISSING" });
    const closed = bench.backup(
      { disks: [{ kind: "nbd", uri: "nbd://127.0.0.1:1/" }] },
      { nbdServers: ["127.0.0.1:1"] },
    );
    expect((await refusal(closed)).code).toMatch(/^NBD_|IO_ERROR|SOURCE_MISSING/);
  });
});
