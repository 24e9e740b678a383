/** What is known of one copy of the data. */
export type CopyFact = {
  /** `source`, a repository's id, or the kind and medium of a copy that AOMEI Backupper made. */
  copy: string;
  /** The data itself, where it is used. */
  isSource: boolean;
  /** null: nobody knows; it is no kind of its own then. */
  media: string | null;
  offSite: boolean;
  offline: boolean;
  immutable: boolean;
  /** The time of its newest good restore point; of the source, when it was last read whole. */
  lastSuccessAt: Date | null;
  /** The newest that passed or failed. */
  lastVerifiedAt: Date | null;
  verificationPassed: boolean | null;
  /** It passed by what came through the page cache: it proves nothing of the medium. */
  verificationCached: boolean;
  lastDrilledAt: Date | null;
  drillPassed: boolean | null;
  /** It cannot be reached now, which of an offline copy says nothing. */
  absent: boolean;
  /** Why it cannot be counted whatever its age and place; null: nothing speaks against it. */
  problem: string | null;
};

export type ComplianceRules = {
  countSource: boolean;
  /** A verification or a drill is worth something for so long. */
  proofMaxAgeSeconds: number;
  /** So old a copy's newest restore point may be. */
  copyMaxAgeSeconds: number;
  offlineMaxAgeSeconds: number;
};

export function ageLimitOf({ offline }: Pick<CopyFact, "offline">, rules: ComplianceRules): number {
  return offline ? rules.offlineMaxAgeSeconds : rules.copyMaxAgeSeconds;
}
