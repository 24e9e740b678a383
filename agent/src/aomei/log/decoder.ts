/** Bytes of a log become text: by its mark, its XML declaration or the configured encoding. */
import iconv from "iconv-lite";

export type LogDecoder = {
  decode(bytes: Uint8Array): string;
  end(): string;
  /** null before the first bytes have told. */
  encoding(): string | null;
  /** How many bytes so many characters of text came from, counted from the end: null when that cannot be known. */
  bytesBefore(rest: string): number | null;
};

/** The mark or the declaration stands in here. */
const HEAD_BYTES = 256;
const UNICODE = ["utf-8", "utf-16le", "utf-16be"] as const;
type Unicode = (typeof UNICODE)[number];

export function isEncoding(name: string): boolean {
  return name === "auto" || asUnicode(name) !== null || iconv.encodingExists(name);
}

/** `asked`: "auto", or the encoding of a log without a mark. BAD_REQUEST is the configuration's business. */
export function createDecoder(asked: string): LogDecoder {
  let head: Uint8Array | null = new Uint8Array(0);
  let found: ReturnType<typeof openDecoder> | null = null;
  let bytes = 0;
  let isExact = true;
  const take = (text: string): string => {
    if (found?.kind === "utf-8") {
      bytes += Buffer.byteLength(text);
      if (isExact && text.includes("\uFFFD")) isExact = false;
    } else bytes += text.length * 2;
    return text;
  };
  const begin = (): string => {
    const first = head ?? new Uint8Array(0);
    head = null;
    const { name, mark } = detect(first, asked);
    found = openDecoder(name);
    bytes = mark;
    return take(found.write(first.subarray(mark)));
  };
  return {
    decode: (given) => {
      if (head === null) return found === null ? "" : take(found.write(given));
      head = Buffer.concat([head, given]);
      return head.length < HEAD_BYTES ? "" : begin();
    },
    end: () => (head === null ? "" : begin()) + take(found?.end() ?? ""),
    encoding: () => found?.name ?? null,
    bytesBefore: (rest) => {
      if (found === null || found.kind === "legacy" || !isExact) return null;
      return bytes - (found.kind === "utf-8" ? Buffer.byteLength(rest) : rest.length * 2);
    },
  };
}

function openDecoder(name: string): { name: string; kind: "utf-8" | "utf-16" | "legacy" } & TextSource {
  const unicode = asUnicode(name);
  if (unicode === null) {
    const decoder = iconv.getDecoder(name);
    return {
      name,
      kind: "legacy",
      write: (bytes) => decoder.write(Buffer.from(bytes)),
      end: () => decoder.end() ?? "",
    };
  }
  const decoder = new TextDecoder(unicode, { ignoreBOM: true });
  const kind = unicode === "utf-8" ? "utf-8" : "utf-16";
  const write = (bytes: Uint8Array): string => decoder.decode(bytes, { stream: true });
  return { name: unicode, kind, write, end: () => decoder.decode() };
}

type TextSource = { write(bytes: Uint8Array): string; end(): string };

/** A mark goes before everything, then what was configured, then the shape of the first bytes and the declaration. */
function detect(head: Uint8Array, asked: string): { name: string; mark: number } {
  const [a = -1, b = -1, c = -1] = head;
  if (a === 0xef && b === 0xbb && c === 0xbf) return { name: "utf-8", mark: 3 };
  if (a === 0xff && b === 0xfe) return { name: "utf-16le", mark: 2 };
  if (a === 0xfe && b === 0xff) return { name: "utf-16be", mark: 2 };
  if (asked !== "auto") return { name: asked, mark: 0 };
  if (a === 0x3c && b === 0) return { name: "utf-16le", mark: 0 };
  if (a === 0 && b === 0x3c) return { name: "utf-16be", mark: 0 };
  const start = Buffer.from(head.subarray(0, HEAD_BYTES)).toString("latin1");
  const declared = /^\s*<\?xml[^>]*\sencoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']/.exec(start)?.[1] ?? "utf-8";
  // Text that can be read as single bytes is not UTF-16, whatever it says.
  const isPossible = isEncoding(declared) && declared !== "auto" && !/^utf-?16|^ucs/i.test(declared);
  return { name: isPossible ? declared : "utf-8", mark: 0 };
}

function asUnicode(name: string): Unicode | null {
  const plain = name.toLowerCase().replace(/[_-]/g, "");
  return UNICODE.find((known) => known.replace("-", "") === plain) ?? null;
}
