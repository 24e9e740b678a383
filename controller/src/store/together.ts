/**
 * Answers of statements that were begun one after the other without waiting: PostgreSQL gets them at once, and runs them
 * in this order. Throws the first one's error, once all of them have ended: nothing of a transaction goes on after it.
 */
export async function together<Answers extends readonly unknown[]>(
  begun: readonly [...{ [Index in keyof Answers]: Promise<Answers[Index]> }],
): Promise<Answers> {
  const settled = await Promise.allSettled(begun);
  const answers: unknown[] = [];
  for (const each of settled) {
    if (each.status === "rejected") throw each.reason;
    answers.push(each.value);
  }
  return answers as unknown as Answers;
}
