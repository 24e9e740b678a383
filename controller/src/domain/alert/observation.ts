/** What is seen of a subject, and what is told of it: the words that all parts share with the alerts. */

export type Severity = "critical" | "warning" | "info";

/** Everything that can be wrong, and how bad it is unless whoever sees it says otherwise. */
export const DEFAULT_SEVERITY = {
  backup_failure: "critical",
  verification_failure: "warning",
  restore_failure: "critical",
  health_degradation: "warning",
  missed_run: "critical",
  hung_run: "warning",
  lost_run: "warning",
  agent_offline: "critical",
  certificate_expiring: "warning",
  chain_broken: "critical",
  tampering: "critical",
  capacity: "warning",
  compliance_lost: "warning",
  offsite_copy_failed: "warning",
  rpo_missed: "critical",
  rto_missed: "warning",
  policy_not_applied: "warning",
  retention_waiting: "warning",
  retention_failed: "warning",
  channel_failed: "critical",
  alert_path_broken: "critical",
  report_failed: "warning",
  controller_restored: "critical",
  item_unprotected: "warning",
} as const satisfies Record<string, Severity>;
export type AlertType = keyof typeof DEFAULT_SEVERITY;

export type SubjectKind =
  | "item"
  | "aomei"
  | "agent"
  | "repository"
  | "backup"
  | "location"
  | "policy"
  | "channel"
  | "controller";

/** `key`: `<kind>:<id>`, where the id of what a host named is `<agent id>/<its own>`. */
export type Subject = { kind: SubjectKind; key: string; agentId: string | null };

/** How a subject is now. Saying the same again changes nothing. */
export type Observation = {
  subject: Subject;
  type: AlertType;
  state: "firing" | "ok";
  /** Without it the type's own. */
  severity?: Severity;
  /** One sentence, for people. */
  message: string;
  evidence?: Record<string, unknown>;
  /** The subject whose own trouble explains this: one dead agent is one alert. */
  rootKey?: string | null;
};

/** Empty or left out: everything. All that is given must fit. */
export type AlertMatch = {
  types?: AlertType[] | undefined;
  severities?: Severity[] | undefined;
  agent_ids?: string[] | undefined;
  subject_keys?: string[] | undefined;
  policy_ids?: string[] | undefined;
  labels?: Record<string, string> | undefined;
};

type ToldAlert = {
  alert_id: string;
  alert_type: AlertType;
  severity: Severity;
  state: "open" | "resolved";
  subject: string;
  message: string;
  agent: string | null;
  created_at: string;
  resolved_at: string | null;
};

/** What a channel is given to tell: for people `title` and `text`, for programs the rest. */
export type Notification = {
  notification_id: string;
  kind: "alert" | "resolved" | "repeat" | "escalation" | "test" | "canary" | "report";
  title: string;
  text: string;
  severity: Severity;
  alerts: ToldAlert[];
  /** Files for channels that carry them. */
  attachments?: { name: string; type: string; text: string }[];
};
