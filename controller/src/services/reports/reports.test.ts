import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { csvText } from "./csv.ts";
import { html, htmlText } from "./html.ts";

describe("a page", () => {
  it.each([
    ["<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"],
    [`" onload='x' a=\``, "&quot; onload=&#39;x&#39; a=&#96;"],
    ["&lt;", "&amp;lt;"],
    ["\u202egnp.exe\u0000", "\ufffdgnp.exe\ufffd"],
  ])("shows %j as it is", (text, escaped) => {
    expect(htmlText(html`<p title="${text}">${text}</p>`)).toBe(`<p title="${escaped}">${escaped}</p>`);
  });

  it("holds pages that were made, lists, numbers and nothing", () => {
    const rows = ["a", "<b>"].map((text) => html`<li>${text}</li>`);
    expect(htmlText(html`<ul>${rows}</ul>${7}${null}`)).toBe("<ul><li>a</li><li>&lt;b&gt;</li></ul>7");
  });

  it("never lets a value out of its place", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const inside = htmlText(html`<a b="${text}">`).slice(6, -2);
        expect(inside).not.toMatch(/[<>"'`]/);
      }),
    );
  });
});

describe("a table for a spreadsheet", () => {
  it.each<[string, string]>([
    ["plain", "plain"],
    ["a,b", '"a,b"'],
    ['say "hi"', '"say ""hi"""'],
    ["two\nlines", '"two\nlines"'],
    ["=1+1", "'=1+1"],
    ["+49", "'+49"],
    ["-1", "'-1"],
    ["@SUM(A1)", "'@SUM(A1)"],
    ["\t=1", "'\t=1"],
    ["a;=1+1", '"a;=1+1"'],
    ["  =1", "'  =1"],
    ['=HYPERLINK("x")', `"'=HYPERLINK(""x"")"`],
  ])("%j", (cell, text) => {
    expect(csvText(["h"], [[cell]])).toBe(`h\r\n${text}\r\n`);
  });

  it("has numbers, moments and nothing as they are", () => {
    const at = new Date(0);
    expect(csvText(["a", "b", "c", "d"], [[-1, true, null, at]])).toBe(
      "a,b,c,d\r\n-1,true,,1970-01-01T00:00:00.000Z\r\n",
    );
  });
});
