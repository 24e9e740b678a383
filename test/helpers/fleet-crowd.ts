/** A thousand agents, in a few processes. */
import { generateKeyPairSync, randomUUID } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openAuthority } from "../../controller/src/adapters/pki/authority.ts";
import { issueAgentCertificate, planAgentCertificate } from "../../controller/src/adapters/pki/issue.ts";
import { keyFingerprint } from "../../controller/src/adapters/pki/x509.ts";
import { type FleetProcess, startProcess } from "./fleet-process.ts";

/** PEM; one key for all, because making a thousand would take minutes. */
export type CrowdIdentities = { ca: string; key: string; certificates: string[] };
/** Each appends the batch of this number, and of the next ones in turn. */
export type CrowdAsk = { number: number };
export type CrowdWord = { streaming: number; waiting: number };

export type Crowd = {
  /** What it told last. */
  now: () => CrowdWord;
  ask: (word: CrowdAsk) => void;
  end: () => Promise<void>;
};

export type ForgedWish = { at?: Date; agentId?: string };
export type ClientPair = { agentId: string; key: string; cert: string };

/** Signs certificates of a controller's own authority, in its data folder. */
export async function certificatesOf(
  dataDir: string,
): Promise<{ ca: string; make: (wish?: ForgedWish) => ClientPair }> {
  const authority = await openAuthority(join(dataDir, "pki"), new Date());
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const key = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const request = { publicKey, keyFingerprint: keyFingerprint(publicKey) };
  return {
    ca: authority.rootPem,
    make: ({ at = new Date(), agentId = randomUUID() } = {}) => {
      const { chain } = issueAgentCertificate(authority, planAgentCertificate(request, agentId, at));
      return { agentId, key, cert: chain };
    },
  };
}

/** Starts so many agents in so many processes; they connect at once. */
export async function startCrowd(
  { dataDir, agentPort }: { dataDir: string; agentPort: number },
  { agents, processes }: { agents: number; processes: number },
): Promise<Crowd> {
  const { ca, make } = await certificatesOf(dataDir);
  const share = agents / processes;
  const crowds: { child: FleetProcess; last: CrowdWord }[] = [];
  for (let n = 0; n < processes; n++) {
    const pairs = Array.from({ length: share }, () => make());
    const identities: CrowdIdentities = {
      ca,
      key: pairs[0]?.key ?? "",
      certificates: pairs.map(({ cert }) => cert),
    };
    const file = join(dataDir, "..", `crowd-${n}.json`);
    await writeFile(file, JSON.stringify(identities));
    const child = startProcess("test/chaos/fleet/crowd.ts", [file, `${agentPort}`, `${n * share}`], null);
    const crowd = { child, last: { streaming: 0, waiting: 0 } };
    child.onLine((line) => {
      crowd.last = line as CrowdWord;
    });
    crowds.push(crowd);
  }
  const sum = (name: keyof CrowdWord): number => crowds.reduce((total, { last }) => total + last[name], 0);
  return {
    now: () => ({ streaming: sum("streaming"), waiting: sum("waiting") }),
    ask: (word) => {
      for (const { child } of crowds) child.say(word);
    },
    end: async () => {
      for (const { child } of crowds) {
        child.kill("SIGKILL");
        await child.ended;
      }
    },
  };
}
