/** Brings SQLite's write-ahead log to the medium beside the event loop: a slow disk keeps those waiting who need it. */

export type LogSync = {
  /** To be called right after each commit. */
  committed(): void;
  /** Resolves when all that was committed until now is on the medium. Rejects from the first failure on. */
  reached(): Promise<void>;
};
type Sync = { commits: number; over: Promise<void> };

/**
 * `sync` is called one at a time, and all who come while one is under way share the next. `onFailure` is called once: of
 * what was committed nobody knows any more what a power cut leaves.
 */
export function openLogSync(sync: () => Promise<void>, onFailure: (error: unknown) => void): LogSync {
  let commits = 0;
  let synced = 0;
  let running: Sync | null = null;
  let next: Promise<void> | null = null;
  let failed: { error: unknown } | null = null;

  async function run(upTo: number): Promise<void> {
    if (failed !== null) throw failed.error;
    try {
      await sync();
      synced = upTo;
    } catch (error) {
      failed = { error };
      onFailure(error);
      throw error;
    } finally {
      running = null;
    }
  }

  function begin(): Promise<void> {
    next = null;
    running = { commits, over: run(commits) };
    return running.over;
  }

  return {
    committed() {
      commits += 1;
    },
    async reached() {
      if (failed !== null) throw failed.error;
      if (synced === commits) return;
      if (running === null) return await begin();
      if (running.commits === commits) return await running.over;
      // What is under way may have begun before the newest commit.
      next ??= running.over.then(begin);
      await next;
    },
  };
}
