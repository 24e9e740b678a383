/** What it is worth: health and 3-2-1-1-0 as the API tells them, and the report as a page. */
import { secondsText } from "../../../cli/format.ts";
import { writeDurably } from "../../../durable.ts";
import type { DemoContext } from "../context.ts";
import { shown } from "../place.ts";
import { complianceAnswer, itemHealthAnswer } from "./answers.ts";
import type { Note } from "./context.ts";
import { waitFor } from "./wait.ts";

const REPORT = "/api/v1/reports/fleet.html?days=7";

type FleetContext = DemoContext & { notes: Note[] };

export async function fleetStory(context: FleetContext): Promise<void> {
  await healthStory(context);
  await complianceStory(context);
  await reportStory(context);
}

/** Once what was proven is counted. */
async function healthStory({ api, agentId, item, story, signal }: FleetContext): Promise<void> {
  await story.tell("health", async () => {
    const path = `/api/v1/health/items/${agentId}/${item.vmContextId}`;
    const health = await waitFor(signal, {
      otherwise: "the health of the item is not known",
      look: async () => {
        const reply = await api.ask({ method: "GET", path }, itemHealthAnswer);
        return reply.ok && reply.body.proven ? reply.body : undefined;
      },
    });
    const { score, rpo, rto } = health;
    const age = rpo.age_seconds === null ? "none" : `${secondsText(rpo.age_seconds)} old`;
    const restore = rto.median_seconds === null ? "not measured" : secondsText(rto.median_seconds);
    const what = `score ${score.toFixed(2)}, proven; newest good restore point ${age}; a restore takes ${restore} (${rto.drills} drilled)`;
    return { value: undefined, what, size: "-", result: health.band };
  });
}

async function complianceStory({ api, agentId, item, story }: FleetContext): Promise<void> {
  await story.tell("3-2-1-1-0", async () => {
    const { compliant, digits } = await api.read(`/api/v1/compliance/${agentId}/${item.vmContextId}`, complianceAnswer);
    const said = digits.map(({ digit, counted, wanted }) => `${digit.replaceAll("_", " ")} ${counted}/${wanted}`);
    const what = said.join(", ");
    return { value: undefined, what, size: "-", result: compliant ? "compliant" : "not yet" };
  });
}

async function reportStory({ api, place, story }: FleetContext): Promise<void> {
  await story.tell("report", async () => {
    const page = await api.text(REPORT);
    await writeDurably(place.report, page);
    const what = `the fleet's last 7 days, one page to print: ${shown(place.report)}`;
    return { value: undefined, what, size: `${Math.ceil(page.length / 1024)} KiB`, result: "written" };
  });
}
