/** A root, and certificates of it, made by openssl. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { CONTROLLER_NAME } from "@holdfast/protocol";
import { run } from "../exec.ts";
import { testFolder } from "../spool/test-events.ts";

export type KeyPair = { key: string; cert: string };
export type Certificates = { ca: string; server: KeyPair; client: KeyPair; misnamed: KeyPair };

/** The certificates of one authority: of a controller, of an agent, and of a server with another name. */
export async function makeCertificates(): Promise<Certificates> {
  using folder = testFolder();
  const file = (name: string): string => join(folder.path, name);
  const read = (name: string): string => readFileSync(file(name), "utf8");
  const make = async (name: string, ...more: string[]): Promise<KeyPair> => {
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", file(`${name}.key`)];
    const subject = ["-x509", "-days", "2", "-subj", `/CN=${name}`, "-out", file(`${name}.pem`)];
    await run("openssl", ["req", ...key, ...subject, ...more], { timeoutMs: 20_000 });
    return { key: read(`${name}.key`), cert: read(`${name}.pem`) };
  };
  const signed = ["-CA", file("root.pem"), "-CAkey", file("root.key"), "-addext", "basicConstraints=critical,CA:FALSE"];
  const forName = (name: string): string[] => [...signed, "-addext", `subjectAltName=${name}`];
  const { cert: ca } = await make("root");
  const [server, client, misnamed] = await Promise.all([
    make("server", ...forName(`DNS:${CONTROLLER_NAME}`), "-addext", "extendedKeyUsage=serverAuth"),
    make("client", ...forName("DNS:agent.example"), "-addext", "extendedKeyUsage=clientAuth"),
    make("misnamed", ...forName("DNS:localhost,IP:127.0.0.1"), "-addext", "extendedKeyUsage=serverAuth"),
  ]);
  return { ca, server, client, misnamed };
}
