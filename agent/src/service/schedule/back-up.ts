import type { EngineSettings } from "@holdfast/protocol";
import { backUpItem, jobOf } from "../../runner/back-up-item.ts";
import type { ItemRuns } from "../../runner/context.ts";
import type { Job } from "../../schedule/job.ts";
import type { ServiceHost } from "../service-host.ts";
import { itemOf, openedOrFailed } from "./before-run.ts";

/** One restore point of the whole item; what the policy says about how goes before what its definition says. */
export async function backUp(host: ServiceHost, runs: ItemRuns, job: Job): Promise<"done"> {
  const item = { ...itemOf(host, job), ...given(job.engine) };
  const about = { kind: "backup", repositoryId: item.repository_id } as const;
  const { repositories } = host.protected();
  const opened = await openedOrFailed(host, runs, about, () => jobOf(repositories, item, "auto"));
  await backUpItem(runs, { ...opened, policyId: job.policyId });
  return "done";
}

type Given = { [Name in keyof EngineSettings]?: NonNullable<EngineSettings[Name]> };

function given(engine: EngineSettings): Given {
  return Object.fromEntries(Object.entries(engine).filter(([, value]) => value !== undefined));
}
