// What can be said only before a process begins: `holdfast serve` replaces itself by the same program in less memory.
// By default V8 keeps 128 MiB for young objects once many came at once, and glibc cuts each connection's buffers, of
// which a tenth is ever used, from memory that others have used: with 5,000 agents both together take 300 MB.
const YOUNG = "--max-semi-space-size=2";
const MALLOC = { MALLOC_MMAP_THRESHOLD_: "8192", MALLOC_TOP_PAD_: "0" };

const { argv, execArgv, execPath, env } = process;
if (argv[2] === "serve" && process.platform === "linux" && process.execve !== undefined && !execArgv.includes(YOUNG))
  process.execve(execPath, [execPath, ...execArgv, YOUNG, ...argv.slice(1)], { ...MALLOC, ...env });
