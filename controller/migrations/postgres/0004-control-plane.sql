CREATE TABLE "policies" (
	"policy_id" text COLLATE "C" PRIMARY KEY NOT NULL,
	"name" text COLLATE "C" NOT NULL,
	"version" bigint NOT NULL,
	"enabled" boolean NOT NULL,
	"priority" bigint NOT NULL,
	"body" text NOT NULL,
	"created_at" bigint NOT NULL,
	"created_by" text COLLATE "C" NOT NULL,
	"updated_at" bigint NOT NULL,
	"updated_by" text COLLATE "C" NOT NULL,
	"retired_at" bigint
);
--> statement-breakpoint
CREATE TABLE "policy_versions" (
	"policy_id" text COLLATE "C" NOT NULL,
	"version" bigint NOT NULL,
	"body" text NOT NULL,
	"at" bigint NOT NULL,
	"author" text COLLATE "C" NOT NULL,
	"reason" text COLLATE "C" NOT NULL,
	"removals" bigint,
	"keeps" bigint,
	CONSTRAINT "policy_versions_pk" PRIMARY KEY("policy_id","version")
);
--> statement-breakpoint
CREATE TABLE "item_policies" (
	"agent_id" text COLLATE "C" NOT NULL,
	"vm_context_id" text COLLATE "C" NOT NULL,
	"policy_id" text COLLATE "C" NOT NULL,
	"bound_by" text COLLATE "C" NOT NULL,
	"since" bigint NOT NULL,
	CONSTRAINT "item_policies_pk" PRIMARY KEY("agent_id","vm_context_id")
);
--> statement-breakpoint
CREATE TABLE "jobs" (
	"agent_id" text COLLATE "C" NOT NULL,
	"subject_id" text COLLATE "C" NOT NULL,
	"task" text COLLATE "C" NOT NULL,
	"subject_kind" text COLLATE "C" NOT NULL,
	"policy_id" text COLLATE "C",
	"policy_version" bigint,
	"plan" text,
	"grace_seconds" bigint NOT NULL,
	"stall_seconds" bigint NOT NULL,
	"effective_from" bigint NOT NULL,
	"expected_through" bigint NOT NULL,
	"next_due_at" bigint,
	"ended_at" bigint,
	"ended_reason" text COLLATE "C",
	CONSTRAINT "jobs_pk" PRIMARY KEY("agent_id","subject_id","task")
);
--> statement-breakpoint
CREATE TABLE "maintenance_windows" (
	"window_id" text COLLATE "C" PRIMARY KEY NOT NULL,
	"name" text COLLATE "C" NOT NULL,
	"selector" text NOT NULL,
	"starts_at" bigint NOT NULL,
	"ends_at" bigint,
	"cron" text COLLATE "C",
	"zone" text COLLATE "C" NOT NULL,
	"duration_seconds" bigint,
	"suspend_runs" boolean NOT NULL,
	"reason" text COLLATE "C" NOT NULL,
	"created_at" bigint NOT NULL,
	"created_by" text COLLATE "C" NOT NULL,
	"ended_at" bigint
);
--> statement-breakpoint
CREATE TABLE "expected_runs" (
	"agent_id" text COLLATE "C" NOT NULL,
	"subject_id" text COLLATE "C" NOT NULL,
	"task" text COLLATE "C" NOT NULL,
	"due_at" bigint NOT NULL,
	"subject_kind" text COLLATE "C" NOT NULL,
	"policy_id" text COLLATE "C",
	"policy_version" bigint,
	"starts_at" bigint NOT NULL,
	"grace_until" bigint NOT NULL,
	"state" text COLLATE "C" NOT NULL,
	"reason" text COLLATE "C",
	"run_id" text COLLATE "C",
	"run_state" text COLLATE "C",
	"attempt" bigint,
	"written_at" bigint NOT NULL,
	"settled_at" bigint,
	CONSTRAINT "expected_runs_pk" PRIMARY KEY("agent_id","subject_id","task","due_at")
);
--> statement-breakpoint
CREATE TABLE "projections" (
	"name" text COLLATE "C" PRIMARY KEY NOT NULL,
	"cursor" bigint NOT NULL,
	"at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "retention_plans" (
	"plan_id" text COLLATE "C" PRIMARY KEY NOT NULL,
	"agent_id" text COLLATE "C" NOT NULL,
	"vm_context_id" text COLLATE "C" NOT NULL,
	"policy_id" text COLLATE "C" NOT NULL,
	"policy_version" bigint NOT NULL,
	"made_at" bigint NOT NULL,
	"made_by" text COLLATE "C" NOT NULL,
	"state" text COLLATE "C" NOT NULL,
	"reason" text COLLATE "C",
	"keep_count" bigint NOT NULL,
	"merge_count" bigint NOT NULL,
	"remove_count" bigint NOT NULL,
	"removals" text NOT NULL,
	"left_ids" text NOT NULL,
	"command_ids" text NOT NULL,
	"decided_at" bigint,
	"decided_by" text COLLATE "C",
	"finished_at" bigint,
	"error" text
);
--> statement-breakpoint
CREATE TABLE "retention_marks" (
	"agent_id" text COLLATE "C" NOT NULL,
	"backup_id" text COLLATE "C" NOT NULL,
	"vm_context_id" text COLLATE "C" NOT NULL,
	"mark" text COLLATE "C" NOT NULL,
	"reasons" text NOT NULL,
	"policy_id" text COLLATE "C" NOT NULL,
	"plan_id" text COLLATE "C",
	"decided_at" bigint NOT NULL,
	CONSTRAINT "retention_marks_pk" PRIMARY KEY("agent_id","backup_id")
);
--> statement-breakpoint
CREATE TABLE "holds" (
	"hold_id" text COLLATE "C" PRIMARY KEY NOT NULL,
	"agent_id" text COLLATE "C" NOT NULL,
	"vm_context_id" text COLLATE "C" NOT NULL,
	"backup_id" text COLLATE "C",
	"kind" text COLLATE "C" NOT NULL,
	"until" bigint,
	"reason" text COLLATE "C" NOT NULL,
	"created_at" bigint NOT NULL,
	"created_by" text COLLATE "C" NOT NULL,
	"released_at" bigint,
	"released_by" text COLLATE "C",
	"release_reason" text COLLATE "C"
);
--> statement-breakpoint
CREATE TABLE "conditions" (
	"subject_key" text COLLATE "C" NOT NULL,
	"type" text COLLATE "C" NOT NULL,
	"subject_kind" text COLLATE "C" NOT NULL,
	"agent_id" text COLLATE "C",
	"severity" text COLLATE "C" NOT NULL,
	"message" text COLLATE "C" NOT NULL,
	"evidence" text NOT NULL,
	"root_key" text COLLATE "C",
	"state" text COLLATE "C" NOT NULL,
	"since" bigint NOT NULL,
	CONSTRAINT "conditions_pk" PRIMARY KEY("subject_key","type")
);
--> statement-breakpoint
CREATE TABLE "flips" (
	"flip_id" bigint PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY (sequence name "flips_flip_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"subject_key" text COLLATE "C" NOT NULL,
	"type" text COLLATE "C" NOT NULL,
	"subject_kind" text COLLATE "C" NOT NULL,
	"agent_id" text COLLATE "C",
	"severity" text COLLATE "C" NOT NULL,
	"message" text COLLATE "C" NOT NULL,
	"evidence" text NOT NULL,
	"root_key" text COLLATE "C",
	"state" text COLLATE "C" NOT NULL,
	"at" bigint NOT NULL,
	"processed_at" bigint
);
--> statement-breakpoint
CREATE TABLE "alerts" (
	"alert_id" text COLLATE "C" PRIMARY KEY NOT NULL,
	"subject_key" text COLLATE "C" NOT NULL,
	"type" text COLLATE "C" NOT NULL,
	"subject_kind" text COLLATE "C" NOT NULL,
	"agent_id" text COLLATE "C",
	"severity" text COLLATE "C" NOT NULL,
	"message" text COLLATE "C" NOT NULL,
	"evidence" text NOT NULL,
	"root_key" text COLLATE "C",
	"vm_context_id" text COLLATE "C",
	"location_id" text COLLATE "C",
	"backup_id" text COLLATE "C",
	"policy_id" text COLLATE "C",
	"state" text COLLATE "C" NOT NULL,
	"inhibited_by" text COLLATE "C",
	"created_at" bigint NOT NULL,
	"changed_at" bigint NOT NULL,
	"resolved_at" bigint,
	"resolved_reason" text COLLATE "C",
	"acknowledged_at" bigint,
	"acknowledged_by" text COLLATE "C",
	"escalated_at" bigint,
	"last_notified_at" bigint,
	"notified_count" bigint NOT NULL,
	"next_look_at" bigint
);
--> statement-breakpoint
CREATE TABLE "alert_notes" (
	"note_id" text COLLATE "C" PRIMARY KEY NOT NULL,
	"alert_id" text COLLATE "C" NOT NULL,
	"at" bigint NOT NULL,
	"author" text COLLATE "C" NOT NULL,
	"text" text COLLATE "C" NOT NULL
);
--> statement-breakpoint
CREATE TABLE "silences" (
	"silence_id" text COLLATE "C" PRIMARY KEY NOT NULL,
	"match" text NOT NULL,
	"starts_at" bigint NOT NULL,
	"ends_at" bigint NOT NULL,
	"reason" text COLLATE "C" NOT NULL,
	"created_at" bigint NOT NULL,
	"created_by" text COLLATE "C" NOT NULL,
	"ended_at" bigint
);
--> statement-breakpoint
CREATE TABLE "channels" (
	"channel_id" text COLLATE "C" PRIMARY KEY NOT NULL,
	"name" text COLLATE "C" NOT NULL,
	"kind" text COLLATE "C" NOT NULL,
	"config" text NOT NULL,
	"secret" text COLLATE "C",
	"enabled" boolean NOT NULL,
	"canary" boolean NOT NULL,
	"disabled_at" bigint,
	"disabled_reason" text COLLATE "C",
	"last_success_at" bigint,
	"last_failure_at" bigint,
	"last_error" text COLLATE "C",
	"created_at" bigint NOT NULL,
	"created_by" text COLLATE "C" NOT NULL,
	"updated_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "routes" (
	"route_id" text COLLATE "C" PRIMARY KEY NOT NULL,
	"name" text COLLATE "C" NOT NULL,
	"position" bigint NOT NULL,
	"match" text NOT NULL,
	"channel_ids" text NOT NULL,
	"group_wait_seconds" bigint NOT NULL,
	"repeat_seconds" bigint NOT NULL,
	"escalate_after_seconds" bigint,
	"escalate_channel_ids" text NOT NULL,
	"send_resolved" boolean NOT NULL,
	"enabled" boolean NOT NULL,
	"created_at" bigint NOT NULL,
	"updated_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "deliveries" (
	"sequence" bigint PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY (sequence name "deliveries_sequence_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"delivery_id" text COLLATE "C" NOT NULL,
	"route_id" text COLLATE "C",
	"channel_id" text COLLATE "C" NOT NULL,
	"kind" text COLLATE "C" NOT NULL,
	"alert_ids" text NOT NULL,
	"payload" text NOT NULL,
	"dedupe_key" text COLLATE "C",
	"created_at" bigint NOT NULL,
	"not_before" bigint NOT NULL,
	"attempts" bigint NOT NULL,
	"state" text COLLATE "C" NOT NULL,
	"claimed_until" bigint,
	"claimed_by" text COLLATE "C",
	"finished_at" bigint,
	"last_error" text COLLATE "C"
);
--> statement-breakpoint
CREATE TABLE "report_schedules" (
	"schedule_id" text COLLATE "C" PRIMARY KEY NOT NULL,
	"name" text COLLATE "C" NOT NULL,
	"scope_kind" text COLLATE "C" NOT NULL,
	"scope_id" text COLLATE "C",
	"days" bigint NOT NULL,
	"format" text COLLATE "C" NOT NULL,
	"cron" text COLLATE "C" NOT NULL,
	"zone" text COLLATE "C" NOT NULL,
	"channel_ids" text NOT NULL,
	"enabled" boolean NOT NULL,
	"next_at" bigint,
	"last_at" bigint,
	"last_error" text COLLATE "C",
	"created_at" bigint NOT NULL,
	"created_by" text COLLATE "C" NOT NULL
);
--> statement-breakpoint
CREATE TABLE "health_daily" (
	"scope_kind" text COLLATE "C" NOT NULL,
	"scope_id" text COLLATE "C" NOT NULL,
	"metric_date" text COLLATE "C" NOT NULL,
	"total_backups" bigint NOT NULL,
	"successful_backups" bigint NOT NULL,
	"failed_backups" bigint NOT NULL,
	"total_size_bytes" bigint NOT NULL,
	"verifications_total" bigint NOT NULL,
	"verifications_passed" bigint NOT NULL,
	"drills_total" bigint NOT NULL,
	"drills_passed" bigint NOT NULL,
	"verification_success_rate" double precision,
	"restore_test_success_rate" double precision,
	"health_score" double precision NOT NULL,
	"updated_at" bigint NOT NULL,
	CONSTRAINT "health_daily_pk" PRIMARY KEY("scope_kind","scope_id","metric_date")
);
--> statement-breakpoint
CREATE TABLE "health_dirty" (
	"agent_id" text COLLATE "C" NOT NULL,
	"metric_date" text COLLATE "C" NOT NULL,
	"since" bigint NOT NULL,
	CONSTRAINT "health_dirty_pk" PRIMARY KEY("agent_id","metric_date")
);
--> statement-breakpoint
CREATE TABLE "item_states" (
	"agent_id" text COLLATE "C" NOT NULL,
	"subject_id" text COLLATE "C" NOT NULL,
	"subject_kind" text COLLATE "C" NOT NULL,
	"name" text COLLATE "C" NOT NULL,
	"policy_id" text COLLATE "C",
	"created_at" bigint NOT NULL,
	"score" double precision NOT NULL,
	"band" text COLLATE "C" NOT NULL,
	"proven" boolean NOT NULL,
	"last_good_at" bigint,
	"last_verified_at" bigint,
	"last_drilled_at" bigint,
	"rpo_target_seconds" bigint,
	"rto_target_seconds" bigint,
	"rto_median_seconds" double precision,
	"rto_worst_seconds" double precision,
	"compliant" boolean NOT NULL,
	"digits" text NOT NULL,
	"recheck_at" bigint,
	"updated_at" bigint NOT NULL,
	CONSTRAINT "item_states_pk" PRIMARY KEY("agent_id","subject_id")
);
--> statement-breakpoint
CREATE TABLE "repository_traits" (
	"agent_id" text COLLATE "C" NOT NULL,
	"repository_id" text COLLATE "C" NOT NULL,
	"media" text COLLATE "C" NOT NULL,
	"off_site" boolean NOT NULL,
	"offline" boolean NOT NULL,
	"immutable" boolean NOT NULL,
	"set_at" bigint NOT NULL,
	"set_by" text COLLATE "C" NOT NULL,
	CONSTRAINT "repository_traits_pk" PRIMARY KEY("agent_id","repository_id")
);
--> statement-breakpoint
ALTER TABLE "agents" ADD COLUMN "time_zone" text COLLATE "C";
--> statement-breakpoint
ALTER TABLE "agents" ADD COLUMN "offline_after_seconds" bigint;
--> statement-breakpoint
ALTER TABLE "executions" ADD COLUMN "policy_id" text COLLATE "C";
--> statement-breakpoint
ALTER TABLE "executions" ADD COLUMN "policy_version" bigint;
--> statement-breakpoint
ALTER TABLE "executions" ADD COLUMN "task" text COLLATE "C";
--> statement-breakpoint
ALTER TABLE "executions" ADD COLUMN "due_at" bigint;
--> statement-breakpoint
ALTER TABLE "executions" ADD COLUMN "attempt" bigint;
--> statement-breakpoint
ALTER TABLE "executions" ADD COLUMN "progressed_at" bigint;
--> statement-breakpoint
ALTER TABLE "executions" ADD COLUMN "hung_at" bigint;
--> statement-breakpoint
ALTER TABLE "backups" ADD COLUMN "recorded_at" bigint;
--> statement-breakpoint
ALTER TABLE "commands" ADD COLUMN "approval_state" text COLLATE "C";
--> statement-breakpoint
ALTER TABLE "commands" ADD COLUMN "approval_by" text COLLATE "C";
--> statement-breakpoint
ALTER TABLE "commands" ADD COLUMN "approval_at" bigint;
--> statement-breakpoint
ALTER TABLE "commands" ADD COLUMN "approval_reason" text COLLATE "C";
--> statement-breakpoint
CREATE UNIQUE INDEX "policies_name" ON "policies" USING btree ("name") WHERE "policies"."retired_at" is null;
--> statement-breakpoint
CREATE INDEX "policies_newest" ON "policies" USING btree ("created_at","policy_id","enabled","retired_at");
--> statement-breakpoint
CREATE INDEX "item_policies_of_policy" ON "item_policies" USING btree ("policy_id","since","vm_context_id","agent_id");
--> statement-breakpoint
CREATE INDEX "jobs_due" ON "jobs" USING btree ("next_due_at") WHERE "jobs"."ended_at" is null;
--> statement-breakpoint
CREATE INDEX "jobs_newest" ON "jobs" USING btree ("effective_from","agent_id","subject_id","task","ended_at");
--> statement-breakpoint
CREATE INDEX "jobs_of_agent" ON "jobs" USING btree ("agent_id","effective_from","subject_id","task","ended_at");
--> statement-breakpoint
CREATE INDEX "jobs_of_subject" ON "jobs" USING btree ("subject_id","effective_from","agent_id","task","ended_at");
--> statement-breakpoint
CREATE INDEX "jobs_of_policy" ON "jobs" USING btree ("policy_id");
--> statement-breakpoint
CREATE INDEX "maintenance_windows_newest" ON "maintenance_windows" USING btree ("created_at","window_id","ended_at");
--> statement-breakpoint
CREATE INDEX "maintenance_windows_open" ON "maintenance_windows" USING btree ("starts_at") WHERE "maintenance_windows"."ended_at" is null;
--> statement-breakpoint
CREATE INDEX "expected_runs_newest" ON "expected_runs" USING btree ("due_at","agent_id","subject_id","task");
--> statement-breakpoint
CREATE INDEX "expected_runs_of_agent" ON "expected_runs" USING btree ("agent_id","due_at","subject_id","task","state");
--> statement-breakpoint
CREATE INDEX "expected_runs_of_subject" ON "expected_runs" USING btree ("subject_id","due_at","agent_id","task","state");
--> statement-breakpoint
CREATE INDEX "expected_runs_state" ON "expected_runs" USING btree ("state","due_at","agent_id","subject_id","task");
--> statement-breakpoint
CREATE INDEX "expected_runs_of_agent_state" ON "expected_runs" USING btree ("agent_id","state","due_at","subject_id","task");
--> statement-breakpoint
CREATE INDEX "expected_runs_task" ON "expected_runs" USING btree ("task","due_at","agent_id","subject_id","state");
--> statement-breakpoint
CREATE INDEX "expected_runs_open" ON "expected_runs" USING btree ("grace_until") WHERE "expected_runs"."settled_at" is null;
--> statement-breakpoint
CREATE INDEX "expected_runs_run" ON "expected_runs" USING btree ("run_id") WHERE "expected_runs"."run_id" is not null;
--> statement-breakpoint
CREATE INDEX "retention_plans_newest" ON "retention_plans" USING btree ("made_at","plan_id");
--> statement-breakpoint
CREATE INDEX "retention_plans_of_agent" ON "retention_plans" USING btree ("agent_id","made_at","plan_id","state");
--> statement-breakpoint
CREATE INDEX "retention_plans_of_item" ON "retention_plans" USING btree ("agent_id","vm_context_id","made_at","plan_id","state");
--> statement-breakpoint
CREATE INDEX "retention_plans_item" ON "retention_plans" USING btree ("vm_context_id","made_at","plan_id","state");
--> statement-breakpoint
CREATE INDEX "retention_plans_state" ON "retention_plans" USING btree ("state","made_at","plan_id");
--> statement-breakpoint
CREATE INDEX "retention_marks_newest" ON "retention_marks" USING btree ("decided_at","backup_id","agent_id");
--> statement-breakpoint
CREATE INDEX "retention_marks_of_item" ON "retention_marks" USING btree ("agent_id","vm_context_id","decided_at","backup_id","mark");
--> statement-breakpoint
CREATE INDEX "retention_marks_item" ON "retention_marks" USING btree ("vm_context_id","decided_at","backup_id","agent_id","mark");
--> statement-breakpoint
CREATE INDEX "retention_marks_of_agent" ON "retention_marks" USING btree ("agent_id","decided_at","backup_id","mark");
--> statement-breakpoint
CREATE INDEX "retention_marks_mark" ON "retention_marks" USING btree ("mark","decided_at","backup_id","agent_id");
--> statement-breakpoint
CREATE INDEX "holds_newest" ON "holds" USING btree ("created_at","hold_id","released_at");
--> statement-breakpoint
CREATE INDEX "holds_of_agent" ON "holds" USING btree ("agent_id","created_at","hold_id","vm_context_id","released_at");
--> statement-breakpoint
CREATE INDEX "holds_item" ON "holds" USING btree ("vm_context_id","created_at","hold_id","agent_id","released_at");
--> statement-breakpoint
CREATE INDEX "holds_open" ON "holds" USING btree ("agent_id","vm_context_id") WHERE "holds"."released_at" is null;
--> statement-breakpoint
CREATE INDEX "conditions_of_agent" ON "conditions" USING btree ("agent_id","type");
--> statement-breakpoint
CREATE INDEX "conditions_firing" ON "conditions" USING btree ("state","type","since");
--> statement-breakpoint
CREATE INDEX "flips_waiting" ON "flips" USING btree ("flip_id") WHERE "flips"."processed_at" is null;
--> statement-breakpoint
CREATE INDEX "flips_of_subject" ON "flips" USING btree ("subject_key","type","flip_id");
--> statement-breakpoint
CREATE INDEX "flips_at" ON "flips" USING btree ("at","flip_id");
--> statement-breakpoint
CREATE UNIQUE INDEX "alerts_one_open" ON "alerts" USING btree ("subject_key","type") WHERE "alerts"."resolved_at" is null;
--> statement-breakpoint
CREATE INDEX "alerts_newest" ON "alerts" USING btree ("created_at","alert_id");
--> statement-breakpoint
CREATE INDEX "alerts_of_agent" ON "alerts" USING btree ("agent_id","created_at","alert_id","state","severity","type");
--> statement-breakpoint
CREATE INDEX "alerts_state" ON "alerts" USING btree ("state","created_at","alert_id","severity","type","agent_id");
--> statement-breakpoint
CREATE INDEX "alerts_severity" ON "alerts" USING btree ("severity","created_at","alert_id","type","agent_id");
--> statement-breakpoint
CREATE INDEX "alerts_type" ON "alerts" USING btree ("type","created_at","alert_id","agent_id");
--> statement-breakpoint
CREATE INDEX "alerts_of_subject" ON "alerts" USING btree ("subject_key","created_at","alert_id");
--> statement-breakpoint
CREATE INDEX "alerts_inhibited" ON "alerts" USING btree ("inhibited_by") WHERE "alerts"."inhibited_by" is not null;
--> statement-breakpoint
CREATE INDEX "alerts_look" ON "alerts" USING btree ("next_look_at") WHERE "alerts"."next_look_at" is not null;
--> statement-breakpoint
CREATE INDEX "alert_notes_of_alert" ON "alert_notes" USING btree ("alert_id","at","note_id");
--> statement-breakpoint
CREATE INDEX "silences_newest" ON "silences" USING btree ("created_at","silence_id","ended_at");
--> statement-breakpoint
CREATE INDEX "silences_open" ON "silences" USING btree ("ends_at") WHERE "silences"."ended_at" is null;
--> statement-breakpoint
CREATE UNIQUE INDEX "channels_name" ON "channels" USING btree ("name");
--> statement-breakpoint
CREATE INDEX "channels_newest" ON "channels" USING btree ("created_at","channel_id");
--> statement-breakpoint
CREATE UNIQUE INDEX "routes_name" ON "routes" USING btree ("name");
--> statement-breakpoint
CREATE INDEX "routes_newest" ON "routes" USING btree ("created_at","route_id");
--> statement-breakpoint
CREATE UNIQUE INDEX "deliveries_id" ON "deliveries" USING btree ("delivery_id");
--> statement-breakpoint
CREATE UNIQUE INDEX "deliveries_dedupe" ON "deliveries" USING btree ("dedupe_key");
--> statement-breakpoint
CREATE INDEX "deliveries_waiting" ON "deliveries" USING btree ("channel_id","route_id","sequence") WHERE "deliveries"."finished_at" is null;
--> statement-breakpoint
CREATE INDEX "deliveries_newest" ON "deliveries" USING btree ("created_at","delivery_id");
--> statement-breakpoint
CREATE INDEX "deliveries_of_channel" ON "deliveries" USING btree ("channel_id","created_at","delivery_id","state");
--> statement-breakpoint
CREATE INDEX "deliveries_state" ON "deliveries" USING btree ("state","created_at","delivery_id");
--> statement-breakpoint
CREATE INDEX "deliveries_of_route" ON "deliveries" USING btree ("route_id","created_at") WHERE "deliveries"."route_id" is not null;
--> statement-breakpoint
CREATE INDEX "report_schedules_newest" ON "report_schedules" USING btree ("created_at","schedule_id");
--> statement-breakpoint
CREATE INDEX "report_schedules_next" ON "report_schedules" USING btree ("next_at") WHERE "report_schedules"."next_at" is not null;
--> statement-breakpoint
CREATE INDEX "health_daily_date" ON "health_daily" USING btree ("metric_date","scope_kind","scope_id");
--> statement-breakpoint
CREATE INDEX "health_dirty_since" ON "health_dirty" USING btree ("since");
--> statement-breakpoint
CREATE INDEX "item_states_newest" ON "item_states" USING btree ("created_at","subject_id","agent_id","band","compliant");
--> statement-breakpoint
CREATE INDEX "item_states_of_agent" ON "item_states" USING btree ("agent_id","created_at","subject_id","band","compliant");
--> statement-breakpoint
CREATE INDEX "item_states_band" ON "item_states" USING btree ("band","created_at","subject_id","agent_id","compliant");
--> statement-breakpoint
CREATE INDEX "item_states_compliant" ON "item_states" USING btree ("compliant","created_at","subject_id","agent_id","band");
--> statement-breakpoint
CREATE INDEX "item_states_of_policy" ON "item_states" USING btree ("policy_id");
--> statement-breakpoint
CREATE INDEX "item_states_recheck" ON "item_states" USING btree ("recheck_at") WHERE "item_states"."recheck_at" is not null;
--> statement-breakpoint
CREATE INDEX "commands_approval" ON "commands" USING btree ("approval_state","created_at","command_id","agent_id") WHERE "commands"."approval_state" is not null;
--> statement-breakpoint
-- Of what was recorded before there was this column, the host itself said when.
UPDATE backups SET recorded_at = COALESCE(completed_at, created_at) WHERE hash_map_sha256 IS NOT NULL;
