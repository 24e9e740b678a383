import { expect, test } from "vitest";
import { begin, step, wakeAt } from "./machine.ts";
import { retold, STREAMING } from "./test-notation.ts";

const STORIES: Record<string, string> = {
  "from the first connection to events that flow": `
    0    opened    | greet
    0.1  welcome   | decide
    0.1  decided 5 | resume
    0.2  ready     | begin, beat, batch>5
    0.2  sent 9    | batch>9
    0.2  nothing   |
    0.5  ack 9     | ack<=9
    3    changed   | batch>9
    = streaming`,
  "no more batches than the window are under way": `${STREAMING}
    1 changed | batch>5
    1 sent 10 | batch>10
    1 sent 15 |
    2 changed |
    3 ack 10  | ack<=10, batch>15
    3 sent 20 |
    4 ack 20  | ack<=20, batch>20
    = streaming`,
  "an acknowledgement in the midst of a batch drops that far and leaves the batch under way": `${STREAMING}
    1 changed | batch>5
    1 sent 10 | batch>10
    1 sent 15 |
    2 ack 7   | ack<=7
    2 ack 12  | ack<=12, batch>15
    = streaming`,
  "an acknowledgement that comes twice, or late, changes nothing": `${STREAMING}
    1 changed | batch>5
    1 sent 9  | batch>9
    1 nothing |
    2 ack 9   | ack<=9
    2 ack 9   |
    2 ack 7   |
    = streaming`,
  "what was never sent cannot be acknowledged": `${STREAMING}
    1 ack 6 | close 1002
    = closing`,
  "nor what belongs to another epoch": `${STREAMING}
    1 changed     | batch>5
    1 sent 9      | batch>9
    1 ack 9@other | close 1002
    = closing`,
  "a socket that takes no more is waited for": `${STREAMING}
    1 blocked |
    2 changed |
    9 drained | batch>5
    = streaming`,
  "heartbeats go while the other side is heard": `${STREAMING}
    9    tick |
    10   tick | beat
    10.1 pong |
    20   tick | beat
    29   ack 5 |
    30   tick | beat
    40   tick | beat
    50   tick | beat
    59   tick | close 1002
    = closing`,
  "silence for three heartbeats ends it": `${STREAMING}
    10 tick | beat
    20 tick | beat
    29 tick |
    30 tick | close 1002
    = closing`,
  "heartbeats alone are not enough: events that are not acknowledged end it": `${STREAMING}
    1   changed | batch>5
    1   sent 9  | batch>9
    1   nothing |
    100 pong    |
    120 tick    | beat
    120.5 pong  |
    121 tick    | close 1002
    = closing`,
  "while acknowledgements move on, it is left alone": `${STREAMING}
    1   changed | batch>5
    1   sent 9  | batch>9
    1   sent 12 |
    100 ack 9   | ack<=9, batch>12
    121 tick    | beat
    125 pong    |
    219 pong    |
    220 tick    | close 1002
    = closing`,
  "an unknown frame is passed over, a malformed one is not": `${STREAMING}
    1 unknown   | log warn
    1 malformed | close 1002
    = closing`,
  "a frame out of its turn ends it": `
    0 opened  | greet
    0 ready   | close 1002
    = closing`,
  "so does a second welcome": `${STREAMING}
    1 welcome | close 1002
    = closing`,
  "and a command before events may flow": `
    0 opened  | greet
    0 welcome | decide
    0 cancel  | close 1002
    = closing`,
  "what is for the daemon is handed on": `${STREAMING}
    1 cancel      | deliver cancel
    1 certificate | deliver certificate
    = streaming`,
  "nothing is heard any more once we have hung up": `${STREAMING}
    1 unfit     | close 1011
    1 cancel    |
    1 malformed |
    1 changed   |
    1 unfit     |
    2 closed 0  | log warn
    = waiting until 2`,
  "a new certificate connects anew, at once": `${STREAMING}
    1 reconnect | close 1000
    1 closed 1  | log info
    1 tick      | connect
    = connecting`,
  "also while it waits": `
    0 closed 1  | log warn
    0 reconnect | connect
    = connecting`,
  "it stops when it is told to": `${STREAMING}
    1 stop     | close 1001
    1 closed 1 |
    = stopped`,
  "also while it waits, or hangs up": `
    0 closed 1 | log warn
    0 stop     |
    = stopped`,
  "or while it already hangs up": `${STREAMING}
    1 unfit    | close 1011
    1 stop     |
    1 closed 1 |
    9 tick     |
    9 opened   |
    = stopped`,
};

test.each(Object.entries(STORIES))("%s", (_name, story) => {
  const { told, real } = retold(story);
  expect(real).toEqual(told);
});

test("a wake-up is never missed: ticking only then does what ticking always would", () => {
  let { state } = begin(0);
  const taken: string[] = [];
  for (let round = 0; round < 6; round++) {
    const at = wakeAt(state);
    if (at === null) throw new Error("nothing would wake it");
    expect(step(state, { type: "tick" }, at - 1).effects).toEqual([]);
    const ticked = step(state, { type: "tick" }, at);
    taken.push(...ticked.effects.map((effect) => effect.do));
    state = step(ticked.state, { type: "closed", why: "x", chance: 1 }, at).state;
  }
  expect(taken).toEqual(["close", "connect", "connect", "connect", "connect", "connect"]);
});

test("a close reason fits into a close frame, whatever it says", () => {
  const { state } = begin(0);
  const { effects } = step(state, { type: "unfit", why: "é".repeat(200) }, 0);
  const [close] = effects;
  expect(close?.do === "close" && Buffer.byteLength(close.reason)).toBe(120);
});
