/** Days as `YYYY-MM-DD`, in UTC. */
const DAY_MS = 86_400_000;

export function dayOf(at: Date): string {
  return at.toISOString().slice(0, 10);
}

/** Its first moment. */
export function startOf(day: string): Date {
  return new Date(`${day}T00:00:00.000Z`);
}

export function addDays(day: string, count: number): string {
  return dayOf(new Date(startOf(day).getTime() + count * DAY_MS));
}

/** Both included; none when `until` is the earlier one. */
export function daysFrom(from: string, until: string): string[] {
  const days: string[] = [];
  for (let day = from; day <= until; day = addDays(day, 1)) days.push(day);
  return days;
}
