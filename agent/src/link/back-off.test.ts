import { expect, test } from "vitest";
import { retold, STREAMING } from "./test-notation.ts";

const STORIES: Record<string, string> = {
  "a connection that does not come": `
    29 tick        |
    30 tick        | close 1002
    30 closed 0.5  | log warn
    = waiting until 30.5`,
  "a controller that does not answer to hello": `
    1  opened      | greet
    30 tick        |
    31 tick        | close 1002
    = closing`,
  "a controller that does not answer to resume": `
    0  opened      | greet
    20 welcome     | decide
    20 decided 5   | resume
    49 tick        |
    50 tick        | close 1002
    = closing`,
  "each failure doubles the span from which the delay is drawn, up to five minutes": `
    0    closed 0.5 | log warn
    0.5  tick       | connect
    1    closed 0.5 | log warn
    2    tick       | connect
    2    closed 1   | log warn
    6    tick       | connect
    6    closed 0   | log warn
    6    tick       | connect
    6    closed 1   | log warn
    22   tick       | connect
    22   closed 1   | log warn
    54   tick       | connect
    54   closed 1   | log warn
    118  tick       | connect
    118  closed 1   | log warn
    246  tick       | connect
    246  closed 1   | log warn
    502  tick       | connect
    502  closed 1   | log warn
    = waiting until 802`,
  "a connection of a minute begins the row anew": `
    0   closed 1  | log warn
    1   tick      | connect
    1   closed 1  | log warn
    3   tick      | connect
    3   opened    | greet
    3   welcome   | decide
    3   decided 5 | resume
    3   ready     | begin, beat, batch>5
    63  closed 1  | log warn
    = waiting until 64`,
  "one that broke sooner does not": `
    0   closed 1  | log warn
    1   tick      | connect
    1   closed 1  | log warn
    3   tick      | connect
    3   opened    | greet
    3   welcome   | decide
    3   decided 5 | resume
    3   ready     | begin, beat, batch>5
    62  closed 1  | log warn
    = waiting until 66`,
  "a refusal with a time is kept to, and spread": `
    0  opened     | greet
    0  refused 30 | close 1000
    0  closed 0.5 | log warn
    = waiting until 30.5`,
  "a refusal without a time is loud, and tried again rarely": `
    0  opened     | greet
    0  refused -  | close 1000, log error
    1  closed 1   | log error
    = waiting until 3961`,
  "a refusal may come at any moment": `${STREAMING}
    5  refused 2  | close 1000
    5  closed 0   | log warn
    = waiting until 7`,
};

test.each(Object.entries(STORIES))("%s", (_name, story) => {
  const { told, real } = retold(story);
  expect(real).toEqual(told);
});
