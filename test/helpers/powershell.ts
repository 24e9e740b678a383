/** PowerShell read by a real grammar, because none can be run here. */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { Language, type Node, Parser } from "web-tree-sitter";
import { projectRoot } from "./run-tool.ts";

const require = createRequire(import.meta.url);
const GRAMMAR = require.resolve("tree-sitter-powershell/tree-sitter-powershell.wasm");
const FOLDER = "installers/windows/powershell";

/** `value`: the expression as it stands there. */
export type BodyField = { name: string; value: string };
export type PowerShellFunction = {
  name: string;
  parameters: string[];
  mandatory: string[];
  /** The fields of the table that is assigned to `$body`; null without one. */
  body: BodyField[] | null;
  /** What stands after `-Path` in its calls. */
  paths: string[];
};
export type Script = { text: string; faults: string[]; functions: PowerShellFunction[]; exported: string[] };

let parser: Promise<Parser> | undefined;

async function openParser(): Promise<Parser> {
  await Parser.init();
  const opened = new Parser();
  opened.setLanguage(await Language.load(GRAMMAR));
  return opened;
}

/** A script of the reporter. */
export async function readScript(name: string): Promise<Script> {
  return await parseScript(await readFile(join(projectRoot, FOLDER, name), "utf8"));
}

/** `faults`: where the grammar does not hold, as `line: text`. */
export async function parseScript(text: string): Promise<Script> {
  parser ??= openParser();
  const tree = (await parser).parse(text);
  if (tree === null) throw new Error("the script was not parsed");
  const root = tree.rootNode;
  const faults = all(root, (node) => node.isError || node.isMissing).map(
    (node) => `${node.startPosition.row + 1}: ${node.text.slice(0, 60)}`,
  );
  const functions = ofType(root, "function_statement").map(toFunction);
  const exports = ofType(root, "command").filter((node) => node.text.startsWith("Export-ModuleMember"));
  return { text, faults, functions, exported: exports.flatMap(strings) };
}

function toFunction(node: Node): PowerShellFunction {
  const parameters = ofType(node, "script_parameter");
  const nameOf = (parameter: Node) =>
    parameter.children.find((child) => child?.type === "variable")?.text.slice(1) ?? "";
  return {
    name: ofType(node, "function_name")[0]?.text ?? "",
    parameters: parameters.map(nameOf),
    mandatory: parameters.filter(({ text }) => text.includes("Mandatory = $true")).map(nameOf),
    body: bodyOf(node),
    paths: ofType(node, "command").flatMap(({ text }) => /-Path '(\/[^']*)'/.exec(text)?.[1] ?? []),
  };
}

function bodyOf(node: Node): BodyField[] | null {
  const assigned = ofType(node, "assignment_expression").find(({ text }) => /^\$body\s*=\s*@\{/.test(text));
  if (assigned === undefined) return null;
  return ofType(assigned, "hash_entry").map((entry) => {
    const [key, value] = entry.text.split(/\s*=\s*/, 2);
    return { name: key ?? "", value: value ?? "" };
  });
}

function strings(node: Node): string[] {
  return ofType(node, "string_literal").map(({ text }) => text.slice(1, -1));
}

function ofType(node: Node, type: string): Node[] {
  return all(node, (each) => each.type === type);
}

function all(node: Node, matches: (node: Node) => boolean): Node[] {
  const below = node.children.flatMap((child) => (child === null ? [] : all(child, matches)));
  return matches(node) ? [node, ...below] : below;
}
