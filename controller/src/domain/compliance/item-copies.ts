/** An item's backups, repository by repository, as copies of its data. */
import type { CopyFact } from "./copy-fact.ts";
import { earliest } from "./judge.ts";

/** The newest of each outcome. `cached`: passed, but without the medium having been read. */
export type Proof = { passed: Date | null; failed: Date | null; cached: Date | null };

/** A completed backup of one disk that is still there. */
export type CopyPoint = {
  backupId: string;
  repositoryId: string;
  diskId: number;
  parentId: string | null;
  madeAt: Date;
  verification: Proof;
  drill: Proof;
};

export type RepositoryFact = Pick<CopyFact, "media" | "offSite" | "offline" | "immutable" | "absent" | "problem"> & {
  repositoryId: string;
};

export type Newest = { lastGoodAt: Date | null; lastVerifiedAt: Date | null; lastDrilledAt: Date | null };

/** `disks`: all of them must be there for a restore point to be whole; without any those that have backups. */
type Item = { points: readonly CopyPoint[]; disks: readonly number[] };
type Outcome = { at: Date; passed: boolean; cached: boolean };

/** The source first, then each repository that holds anything of the item, by name. */
export function itemCopies(item: Item, repositories: ReadonlyMap<string, RepositoryFact>): CopyFact[] {
  const good = goodPoints(item.points);
  const held = Map.groupBy(item.points, ({ repositoryId }) => repositoryId);
  const copies = [...held.keys()].sort().map((id): CopyFact => {
    const points = held.get(id) ?? [];
    const { repositoryId: copy, ...place } = repositories.get(id) ?? nowhere(id);
    const verified = togetherOf(points, item, ({ verification }) => verification);
    const drilled = togetherOf(points, item, ({ drill }) => drill);
    return {
      ...{ copy, isSource: false, ...place },
      lastSuccessAt: wholeAt(points, item, good),
      ...{ lastVerifiedAt: verified?.at ?? null, verificationPassed: verified?.passed ?? null },
      verificationCached: verified?.cached ?? false,
      ...{ lastDrilledAt: drilled?.at ?? null, drillPassed: drilled?.passed ?? null },
    };
  });
  return [sourceOf(newestOf(item, repositories).lastGoodAt), ...copies];
}

/** What is used every day is there as long as it can be read, and the last backup of it was that it was. */
export function sourceOf(lastReadAt: Date | null): CopyFact {
  return {
    ...{ copy: "source", isSource: true, media: "disk", offSite: false, offline: false, immutable: false },
    ...{ lastSuccessAt: lastReadAt, lastVerifiedAt: null, verificationPassed: null },
    ...{ verificationCached: false, lastDrilledAt: null, drillPassed: null, absent: false, problem: null },
  };
}

/** Over all repositories that are in use and not damaged. */
export function newestOf(item: Item, repositories: ReadonlyMap<string, RepositoryFact>): Newest {
  const good = goodPoints(item.points);
  const usable = item.points.filter(({ repositoryId }) => isUsable(repositories.get(repositoryId)));
  const latest = (times: readonly (Date | null)[]) => times.reduce(later, null);
  return {
    lastGoodAt: wholeAt(usable, item, good),
    lastVerifiedAt: latest(usable.flatMap(({ verification: { passed, cached } }) => [passed, cached])),
    lastDrilledAt: latest(usable.map(({ drill }) => drill.passed)),
  };
}

function isUsable(repository: RepositoryFact | undefined): boolean {
  return repository !== undefined && repository.problem !== DAMAGED;
}

export const DAMAGED = "its repository is damaged";

function nowhere(repositoryId: string): RepositoryFact {
  const problem = "its repository is not known any more";
  return { repositoryId, media: null, offSite: false, offline: false, immutable: false, absent: false, problem };
}

/** Reached from a full over backups that are all there and of which none is known to be bad. */
function goodPoints(points: readonly CopyPoint[]): Set<string> {
  const children = Map.groupBy(points, ({ parentId }) => parentId);
  const good = new Set<string>();
  const waiting = [...(children.get(null) ?? [])];
  for (let point = waiting.pop(); point !== undefined; point = waiting.pop()) {
    if (good.has(point.backupId) || isDoubted(point)) continue;
    good.add(point.backupId);
    waiting.push(...(children.get(point.backupId) ?? []));
  }
  return good;
}

function isDoubted({ verification, drill }: CopyPoint): boolean {
  return outcomeOf(verification)?.passed === false || outcomeOf(drill)?.passed === false;
}

/** The newest restore point of which every disk is good; null: there is none. */
function wholeAt(points: readonly CopyPoint[], { disks }: Item, good: ReadonlySet<string>): Date | null {
  const of = disksOf(points, disks).map((disk) => {
    const times = points.filter(({ diskId, backupId }) => diskId === disk && good.has(backupId));
    return times.reduce<Date | null>((a, { madeAt }) => (a === null || madeAt > a ? madeAt : a), null);
  });
  return of.includes(null) ? null : earliest(of);
}

/** Of each disk the newest that said anything: bad when one is, and as old as the oldest. null: one has none. */
function togetherOf(
  points: readonly CopyPoint[],
  { disks }: Item,
  proofOf: (point: CopyPoint) => Proof,
): Outcome | null {
  const of = disksOf(points, disks).map((disk) => {
    const proofs = points.filter(({ diskId }) => diskId === disk).map(proofOf);
    const newest = (what: keyof Proof) => proofs.map((proof) => proof[what]).reduce(later, null);
    return outcomeOf({ passed: newest("passed"), failed: newest("failed"), cached: newest("cached") });
  });
  const told = of.filter((outcome) => outcome !== null);
  const bad = told.find(({ passed }) => !passed);
  if (bad !== undefined) return bad;
  const at = told.length < of.length ? null : earliest(told.map((outcome) => outcome.at));
  return at === null ? null : { at, passed: true, cached: told.some(({ cached }) => cached) };
}

function disksOf(points: readonly CopyPoint[], disks: readonly number[]): number[] {
  return disks.length > 0 ? [...disks] : [...new Set(points.map(({ diskId }) => diskId))];
}

/** In one moment the bad one counts. What read the medium goes before what did not, as long as nothing failed since. */
function outcomeOf({ passed, failed, cached }: Proof): Outcome | null {
  const newestPass = later(passed, cached);
  if (failed !== null && (newestPass === null || failed >= newestPass))
    return { at: failed, passed: false, cached: false };
  if (passed !== null && (failed === null || passed > failed)) return { at: passed, passed: true, cached: false };
  return cached === null ? null : { at: cached, passed: true, cached: true };
}

function later(one: Date | null, other: Date | null): Date | null {
  return one === null || (other !== null && other > one) ? other : one;
}
