import type { Answer } from "../answer.ts";
import type { Globals } from "../connection.ts";
import type { StatusDocument } from "../documents.ts";
import { timeText } from "../format.ts";
import { show } from "../single.ts";

/** `holdfast status`: the fleet in numbers. */
export async function status(globals: Globals): Promise<Answer> {
  return await show(
    globals,
    (client) => client.call<StatusDocument>("GET", "/api/v1/status"),
    ({ version, time, agents, items, running_executions, open_commands, executions_last_day: day }) => [
      ["controller", `Holdfast ${version}, ${timeText(time)}`],
      ["hosts", `${agents.enrolled} enrolled, ${agents.connected} connected, ${agents.revoked} revoked`],
      ["items", String(items)],
      ["runs", `${running_executions} under way`],
      ["last day", `${day.completed} completed, ${day.failed} failed, ${day.cancelled} cancelled, ${day.lost} lost`],
      ["commands", `${open_commands} open`],
    ],
  );
}
