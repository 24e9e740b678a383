/**
 * A program that freezes disks of a VM and then hangs, to be killed by the test. Its one argument is JSON:
 * `{roots, requests}`. Prints `begin`, and `frozen` when the disks stand still.
 */
import { freezeQmp } from "../../agent/src/engines/qcow2/sources/qmp.ts";
import type { QmpRequest } from "./guest-bench.ts";

const { roots, requests } = JSON.parse(process.argv[2] ?? "") as { roots: string[]; requests: QmpRequest[] };
process.stdout.write("begin\n");
const warn = (sentence: string): void => void process.stdout.write(`warning: ${sentence}\n`);
const point = await freezeQmp(requests, { roots, nbdServers: [], warn });
process.stdout.write("frozen\n");
setInterval(() => void point, 1_000);
