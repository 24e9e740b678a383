import { readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { asHoldfastError } from "../../errors.ts";
import { enrol } from "../../identity/enrol.ts";
import { agentVersion } from "../../version.ts";
import { type Answer, usageError } from "../answer.ts";
import { EXIT } from "../exit-codes.ts";
import { type GlobalOptions, withHost } from "../host.ts";

export type EnrollOptions = GlobalOptions & { controller: string; token?: string; tokenFile?: string; name?: string };

/** `holdfast-agent enroll`: this host becomes an agent of a controller. Can be done again with the same token. */
export async function enroll(options: EnrollOptions): Promise<Answer> {
  return await withHost(options, async ({ config, now, signal, warn, warnings }) => {
    const token = await tokenOf(options);
    const { identity, replaced, message } = await enrol({
      ...{ stateDir: config.state_dir, controllerUrl: options.controller, token, now, signal },
      hostname: options.name ?? hostname(),
      platform: `${process.platform}-${process.arch}`,
      agentVersion: agentVersion(),
    });
    if (replaced !== null) warn(`this host was the agent ${replaced} before; revoke that one on its controller`);
    const until = identity.notAfter.toISOString();
    const lines = [
      `This host is the agent ${identity.agentId} of ${identity.controllerUrl}.`,
      message,
      `Its certificate is valid until ${until} and is renewed by itself while \`holdfast-agent serve\` runs.`,
    ];
    return {
      document: {
        agent_id: identity.agentId,
        controller_url: identity.controllerUrl,
        agent_url: identity.agentUrl,
        certificate_until: until,
        replaced_agent_id: replaced,
        message,
        warnings,
      },
      text: () => lines.filter((line) => line !== "").join("\n"),
      exitCode: EXIT.ok,
    };
  });
}

/** Other users of the host can read a command line, so there are two other ways. */
async function tokenOf({ token, tokenFile }: EnrollOptions): Promise<string> {
  if (token !== undefined && tokenFile !== undefined)
    throw usageError("--token and --token-file exclude each other", "Give one of them.");
  if (tokenFile !== undefined)
    return (
      await readFile(tokenFile, "utf8").catch((error: unknown) => {
        throw asHoldfastError(error, `reading the token from ${tokenFile}`);
      })
    ).trim();
  const given = token ?? process.env["HOLDFAST_ENROLL_TOKEN"];
  if (given !== undefined && given !== "") return given;
  throw usageError("no enrolment token was given", "Give it in --token-file FILE or HOLDFAST_ENROLL_TOKEN.");
}
