import { describe, expect, it } from "vitest";
import { combinedStatus, readStatus, type ToldStatus } from "./status.ts";

describe("a status", () => {
  it.each([
    ["success", "success"],
    ["SUCCESS", "success"],
    ["Failed", "failed"],
    ["wArNiNg", "warning"],
    ["Unknown", "unknown"],
    ["completed", null],
    ["unsuccessful", null],
    ["", null],
    [" success", null],
  ])("%j is read as %j", (text, status) => {
    expect(readStatus(text)).toBe(status);
  });

  it.each<[ToldStatus | null, ToldStatus | null, string]>([
    ["success", null, "success"],
    [null, "success", "success"],
    ["unknown", null, "warning"],
    [null, "unknown", "warning"],
    ["unknown", "unknown", "warning"],
    [null, null, "warning"],
    ["unknown", "success", "success"],
    ["unknown", "failed", "failed"],
    ["failed", "unknown", "failed"],
    ["success", "failed", "failed"],
    ["failed", "success", "failed"],
    ["warning", "success", "warning"],
    ["success", "success", "success"],
  ])("script %s and log %s make %s", (script, agent, combined) => {
    expect(combinedStatus(script, agent)).toBe(combined);
  });
});
