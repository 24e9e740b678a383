/** Much that goes wrong, and gets well, one after the other. */
import { expect, it } from "vitest";
import { describeOnBothStores } from "../../store/test-stores.ts";
import { seen, world } from "./test-alerts.ts";

const ok = { state: "ok", message: "it is well" } as const;

describeOnBothStores("a storm of alerts", (open) => {
  it("one after the other is no message each, and they are told again together", async () => {
    const on = world(await open());
    await on.channel("mail");
    await on.route({ name: "all", repeatSeconds: 3600 });
    for (let minute = 0; minute < 20; minute += 1)
      for (const second of [0, 30]) {
        const failed = seen(`missed_run vm-${minute}`);
        await on.at(minute * 60 + second, ...(second === 0 ? [failed] : []));
      }
    const mails = async () => (await on.told()).filter((line) => line.includes(" mail: "));
    const count = (line: string) => Number(/: (\d+) alerts/.exec(line)?.[1] ?? 1);
    const told = await mails();
    expect(told.map((line) => line.split(" ")[0])).toEqual(["30", "330", "630", "930"]);
    expect(told.map(count)).toEqual([1, 5, 5, 5]);
    for (const second of [1229, 1230, 3629, 3630, 7229, 7230]) await on.at(second);
    expect((await mails()).slice(4).map((line) => `${line.split(" ").slice(0, 2).join(" ")} ${count(line)}`)).toEqual([
      "1230 alert 4",
      "3630 repeat 20",
      "7230 repeat 20",
    ]);
  });

  it("ends one after the other are no message each, and what is wrong again is told after no end of before", async () => {
    const on = world(await open());
    await on.channel("mail");
    await on.route({ name: "all", repeatSeconds: 0 });
    const all = Array.from({ length: 12 }, (_, n) => seen(`missed_run vm-${n}`));
    await on.at(0, ...all);
    await on.at(30);
    for (const [minute, failed] of all.entries()) await on.at(60 + minute * 60, { ...failed, ...ok });
    for (const failed of all.slice(11)) await on.at(725, failed);
    for (const second of [755, 959, 960, 1260]) await on.at(second);
    const mails = (await on.told()).filter((line) => line.includes(" mail: "));
    const count = (line: string) => Number(/: (\d+) alerts/.exec(line)?.[1] ?? 1);
    expect(mails.map((line) => `${line.split(" ").slice(0, 2).join(" ")} ${count(line)}`)).toEqual([
      "30 alert 12",
      "60 resolved 1",
      "360 resolved 5",
      "660 resolved 5",
      "755 alert 1",
    ]);
    expect((await on.alerts()).filter(({ nextLookAt }) => nextLookAt !== null)).toEqual([]);
  });
});
