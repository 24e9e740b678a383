/** The host becomes an agent by a one-time token, as any host does; once, whatever is killed meanwhile. */
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { removeDurably, writeDurably } from "../../durable.ts";
import { readIdentity, writeIdentity } from "../../identity/files.ts";
import { enrolmentTokenAnswer } from "./answers.ts";
import { type Api, bodyOf } from "./api.ts";
import type { DemoPlace } from "./place.ts";
import { type DemoPorts, HOST } from "./ports.ts";
import { agentCommand, commandError } from "./programs.ts";

const PATIENCE_MS = 120_000;
const RETRY_MS = 500;
/** One may be of a token that ran out while nothing was started. */
const MAX_REFUSALS = 2;
const TOKEN_SECONDS = 3600;
const NAME = "demo-host";

export type EnrolWish = { api: Api; place: DemoPlace; ports: DemoPorts; url: string; signal: AbortSignal };
/** `isNew`: by this start. */
export type Enrolled = { agentId: string; isNew: boolean; tries: number };

export async function enrolHost(wish: EnrolWish): Promise<Enrolled> {
  const { place, ports, url, signal } = wish;
  const known = await readIdentity(place.state);
  if (known !== undefined) {
    await writeIdentity(place.state, { ...known, controller_url: url, agent_url: `wss://${HOST}:${ports.agents}` });
    await removeDurably(place.tokenFile);
    return { agentId: known.agent_id, isNew: false, tries: 0 };
  }
  const until = performance.now() + PATIENCE_MS;
  let refusals = 0;
  for (let tries = 1; ; tries++) {
    await keepToken(wish);
    const args = ["enroll", "--controller", url, "--token-file", place.tokenFile, "--name", NAME];
    const result = await agentCommand(place, args, { signal });
    const identity = await readIdentity(place.state);
    if (result.code === 0 && identity !== undefined) {
      await removeDurably(place.tokenFile);
      return { agentId: identity.agent_id, isNew: true, tries };
    }
    const { code, error } = commandError("enrolling the host", result);
    if (code === "CONTROLLER_REFUSED") {
      // The next start begins with a fresh token in any case.
      await removeDurably(place.tokenFile);
      refusals += 1;
    } else if (code !== "CONTROLLER_UNREACHABLE") throw error;
    // Unreachable: the same token is good once more, and gives the same answer.
    if (refusals >= MAX_REFUSALS || performance.now() > until) throw error;
    await sleep(RETRY_MS, undefined, { signal });
  }
}

/** Kept until it was used, so that a start that is killed here does not enrol the host a second time. */
async function keepToken({ api, place }: EnrolWish): Promise<void> {
  if ((await readFile(place.tokenFile, "utf8").catch(() => "")) !== "") return;
  const path = "/api/v1/enrolment-tokens";
  const body = { name: NAME, lifetime_seconds: TOKEN_SECONDS };
  const { token } = bodyOf(await api.ask({ method: "POST", path, body }, enrolmentTokenAnswer), path);
  await writeDurably(place.tokenFile, `${token}\n`, 0o600);
}
