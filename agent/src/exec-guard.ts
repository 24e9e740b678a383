/** The shell script that every command runs under. */

/**
 * Dies with the agent: it waits for the end of its standard input, which comes when the agent ends, however that
 * happens (kill -9 too). `$1` is the address space in KiB, `$2` how many secrets come on descriptors 3, 4, …
 * Node hands those over as sockets, which nobody can open by name (/proc/self/fd/3), so each is made a pipe. `$3` is the
 * folder to run in: gone into here, because until Node has started a process it waits for it with all else it does. The
 * command is found before that: a PATH with relative entries must not lead to what lies in the folder of a repository.
 */
const SCRIPT = `
ulimit -c 0; ulimit -v "$1"; next=3 end=$((3 + $2)) dir=$3; shift 3; exec 9<&0
if [ -n "$dir" ]; then
  found=$(command -v "$1") || { echo "$1: not found" >&2; exit 127; }
  case $found in /*) ;; */*) found=$PWD/$found ;; esac
  shift; set -- "$found" "$@"; CDPATH= cd -- "$dir" || exit 1
fi
guard() {
  "$@" </dev/null 9<&- & p=$!
  { read -r line <&9; kill -9 "$p"; } </dev/null >/dev/null 2>&1 & w=$!
  exec 9<&-; wait "$p"; r=$?; kill "$w" 2>/dev/null; exit "$r"
}
start() {
  if [ "$next" -eq "$end" ]; then guard "$@"; fi
  eval "cat <&$next" 9<&- | { eval "exec $next<&0"; next=$((next + 1)); start "$@"; }
}
start "$@"
`;

/** The command line that runs a command under the script; `memoryLimit` in bytes. */
export function guarded(
  command: string,
  args: readonly string[],
  { memoryLimit, secrets, cwd = "" }: { memoryLimit: number | undefined; secrets: number; cwd?: string | undefined },
): [string, string[]] {
  const limit = memoryLimit === undefined ? "unlimited" : String(Math.ceil(memoryLimit / 1024));
  return ["/bin/sh", ["-c", SCRIPT, "guard", limit, String(secrets), cwd, command, ...args]];
}
