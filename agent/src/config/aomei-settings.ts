/** What is read of AOMEI Backupper. */
import { createRequire } from "node:module";
import type iconv from "iconv-lite";
import { z } from "zod";

/** Ten files that few hosts need: those that read none of these logs, or read them as they declare themselves, load none. */
const encodings = (): typeof iconv => createRequire(import.meta.url)("iconv-lite");

/** Of this host, of Windows, or a share. */
const path = z
  .string()
  .min(1)
  .max(4000)
  .regex(/^(\/|[A-Za-z]:[\\/]|\\\\[^\\])/, "must be an absolute path");

/** "auto": by its mark or its declaration, else UTF-8. A mark goes before what is set here. */
const encoding = z
  .string()
  .max(40)
  .refine((name) => name === "auto" || encodings().encodingExists(name), "is no known encoding")
  .default("auto");

const phrase = z.strictObject({
  /** A whole line; upper and lower case are alike. */
  text: z.string().min(1).max(300),
  means: z.enum(["begin", "success", "failed"]),
});

const resultLog = z.strictObject({ path, encoding });

const textLogs = z.strictObject({
  folder: path,
  /** Of the files' names: * and ? stand for anything. */
  pattern: z.string().min(1).max(200).default("*.log"),
  encoding,
  /** In which the log writes its times, e.g. Europe/Berlin. */
  time_zone: z.string().max(60).refine(isTimeZone, "is no known time zone").default("UTC"),
  /** The task that these logs belong to, when they do not name it. */
  task_name: z.string().min(1).max(200).optional(),
  /** Lines beside those that are known. */
  phrases: z.array(phrase).max(200).default([]),
  /** A run whose end nobody wrote is told once its log was quiet for so long. */
  quiet_seconds: z.number().min(10).max(2_592_000).default(21_600),
});

export const aomeiSettings = z.strictObject({
  /** Default on Windows: where AOMEI Backupper keeps it; elsewhere none. */
  result_logs: z.array(resultLog).max(50).optional(),
  text_logs: z.array(textLogs).max(50).default([]),
  image_folders: z.array(path).max(50).default([]),
  poll_seconds: z.number().min(1).max(3600).default(2),
});
export type AomeiSettings = z.infer<typeof aomeiSettings>;
export type TextLogSettings = z.infer<typeof textLogs>;

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
