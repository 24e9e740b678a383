import { expect, it } from "vitest";
import { mediaOf } from "./copy.ts";

it.each<[string | null, string]>([
  ["D:\\Backups\\System", "disk"],
  ["\\\\?\\D:\\Backups", "disk"],
  ["/mnt/backup", "disk"],
  ["\\\\nas\\backup\\pc-7", "network_share"],
  ["\\\\?\\UNC\\nas\\backup", "network_share"],
  ["//nas/backup", "network_share"],
  ["smb://nas/backup", "network_share"],
  ["s3://bucket/pc-7", "cloud"],
  ["https://storage.example/x", "cloud"],
  ["\\\\.\\Tape0", "tape"],
  ["Backups", "unknown"],
  ["", "unknown"],
  [null, "unknown"],
])("%j lies on %s", (path, media) => {
  expect(mediaOf(path)).toBe(media);
});
