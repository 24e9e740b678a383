CREATE TABLE `policies` (
	`policy_id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`version` integer NOT NULL,
	`enabled` integer NOT NULL,
	`priority` integer NOT NULL,
	`body` text NOT NULL,
	`created_at` integer NOT NULL,
	`created_by` text NOT NULL,
	`updated_at` integer NOT NULL,
	`updated_by` text NOT NULL,
	`retired_at` integer
);
--> statement-breakpoint
CREATE UNIQUE INDEX `policies_name` ON `policies` (`name`) WHERE "policies"."retired_at" is null;
--> statement-breakpoint
CREATE INDEX `policies_newest` ON `policies` (`created_at`,`policy_id`,`enabled`,`retired_at`);
--> statement-breakpoint
CREATE TABLE `policy_versions` (
	`policy_id` text NOT NULL,
	`version` integer NOT NULL,
	`body` text NOT NULL,
	`at` integer NOT NULL,
	`author` text NOT NULL,
	`reason` text NOT NULL,
	`removals` integer,
	`keeps` integer,
	PRIMARY KEY(`policy_id`, `version`)
);
--> statement-breakpoint
CREATE TABLE `item_policies` (
	`agent_id` text NOT NULL,
	`vm_context_id` text NOT NULL,
	`policy_id` text NOT NULL,
	`bound_by` text NOT NULL,
	`since` integer NOT NULL,
	PRIMARY KEY(`agent_id`, `vm_context_id`)
);
--> statement-breakpoint
CREATE INDEX `item_policies_of_policy` ON `item_policies` (`policy_id`,`since`,`vm_context_id`,`agent_id`);
--> statement-breakpoint
CREATE TABLE `jobs` (
	`agent_id` text NOT NULL,
	`subject_id` text NOT NULL,
	`task` text NOT NULL,
	`subject_kind` text NOT NULL,
	`policy_id` text,
	`policy_version` integer,
	`plan` text,
	`grace_seconds` integer NOT NULL,
	`stall_seconds` integer NOT NULL,
	`effective_from` integer NOT NULL,
	`expected_through` integer NOT NULL,
	`next_due_at` integer,
	`ended_at` integer,
	`ended_reason` text,
	PRIMARY KEY(`agent_id`, `subject_id`, `task`)
);
--> statement-breakpoint
CREATE INDEX `jobs_due` ON `jobs` (`next_due_at`) WHERE "jobs"."ended_at" is null;
--> statement-breakpoint
CREATE INDEX `jobs_newest` ON `jobs` (`effective_from`,`agent_id`,`subject_id`,`task`,`ended_at`);
--> statement-breakpoint
CREATE INDEX `jobs_of_agent` ON `jobs` (`agent_id`,`effective_from`,`subject_id`,`task`,`ended_at`);
--> statement-breakpoint
CREATE INDEX `jobs_of_subject` ON `jobs` (`subject_id`,`effective_from`,`agent_id`,`task`,`ended_at`);
--> statement-breakpoint
CREATE INDEX `jobs_of_policy` ON `jobs` (`policy_id`);
--> statement-breakpoint
CREATE TABLE `maintenance_windows` (
	`window_id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`selector` text NOT NULL,
	`starts_at` integer NOT NULL,
	`ends_at` integer,
	`cron` text,
	`zone` text NOT NULL,
	`duration_seconds` integer,
	`suspend_runs` integer NOT NULL,
	`reason` text NOT NULL,
	`created_at` integer NOT NULL,
	`created_by` text NOT NULL,
	`ended_at` integer
);
--> statement-breakpoint
CREATE INDEX `maintenance_windows_newest` ON `maintenance_windows` (`created_at`,`window_id`,`ended_at`);
--> statement-breakpoint
CREATE INDEX `maintenance_windows_open` ON `maintenance_windows` (`starts_at`) WHERE "maintenance_windows"."ended_at" is null;
--> statement-breakpoint
CREATE TABLE `expected_runs` (
	`agent_id` text NOT NULL,
	`subject_id` text NOT NULL,
	`task` text NOT NULL,
	`due_at` integer NOT NULL,
	`subject_kind` text NOT NULL,
	`policy_id` text,
	`policy_version` integer,
	`starts_at` integer NOT NULL,
	`grace_until` integer NOT NULL,
	`state` text NOT NULL,
	`reason` text,
	`run_id` text,
	`run_state` text,
	`attempt` integer,
	`written_at` integer NOT NULL,
	`settled_at` integer,
	PRIMARY KEY(`agent_id`, `subject_id`, `task`, `due_at`)
);
--> statement-breakpoint
CREATE INDEX `expected_runs_newest` ON `expected_runs` (`due_at`,`agent_id`,`subject_id`,`task`);
--> statement-breakpoint
CREATE INDEX `expected_runs_of_agent` ON `expected_runs` (`agent_id`,`due_at`,`subject_id`,`task`,`state`);
--> statement-breakpoint
CREATE INDEX `expected_runs_of_subject` ON `expected_runs` (`subject_id`,`due_at`,`agent_id`,`task`,`state`);
--> statement-breakpoint
CREATE INDEX `expected_runs_state` ON `expected_runs` (`state`,`due_at`,`agent_id`,`subject_id`,`task`);
--> statement-breakpoint
CREATE INDEX `expected_runs_of_agent_state` ON `expected_runs` (`agent_id`,`state`,`due_at`,`subject_id`,`task`);
--> statement-breakpoint
CREATE INDEX `expected_runs_task` ON `expected_runs` (`task`,`due_at`,`agent_id`,`subject_id`,`state`);
--> statement-breakpoint
CREATE INDEX `expected_runs_open` ON `expected_runs` (`grace_until`) WHERE "expected_runs"."settled_at" is null;
--> statement-breakpoint
CREATE INDEX `expected_runs_run` ON `expected_runs` (`run_id`) WHERE "expected_runs"."run_id" is not null;
--> statement-breakpoint
CREATE TABLE `projections` (
	`name` text PRIMARY KEY NOT NULL,
	`cursor` integer NOT NULL,
	`at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `retention_plans` (
	`plan_id` text PRIMARY KEY NOT NULL,
	`agent_id` text NOT NULL,
	`vm_context_id` text NOT NULL,
	`policy_id` text NOT NULL,
	`policy_version` integer NOT NULL,
	`made_at` integer NOT NULL,
	`made_by` text NOT NULL,
	`state` text NOT NULL,
	`reason` text,
	`keep_count` integer NOT NULL,
	`merge_count` integer NOT NULL,
	`remove_count` integer NOT NULL,
	`removals` text NOT NULL,
	`left_ids` text NOT NULL,
	`command_ids` text NOT NULL,
	`decided_at` integer,
	`decided_by` text,
	`finished_at` integer,
	`error` text
);
--> statement-breakpoint
CREATE INDEX `retention_plans_newest` ON `retention_plans` (`made_at`,`plan_id`);
--> statement-breakpoint
CREATE INDEX `retention_plans_of_agent` ON `retention_plans` (`agent_id`,`made_at`,`plan_id`,`state`);
--> statement-breakpoint
CREATE INDEX `retention_plans_of_item` ON `retention_plans` (`agent_id`,`vm_context_id`,`made_at`,`plan_id`,`state`);
--> statement-breakpoint
CREATE INDEX `retention_plans_item` ON `retention_plans` (`vm_context_id`,`made_at`,`plan_id`,`state`);
--> statement-breakpoint
CREATE INDEX `retention_plans_state` ON `retention_plans` (`state`,`made_at`,`plan_id`);
--> statement-breakpoint
CREATE TABLE `retention_marks` (
	`agent_id` text NOT NULL,
	`backup_id` text NOT NULL,
	`vm_context_id` text NOT NULL,
	`mark` text NOT NULL,
	`reasons` text NOT NULL,
	`policy_id` text NOT NULL,
	`plan_id` text,
	`decided_at` integer NOT NULL,
	PRIMARY KEY(`agent_id`, `backup_id`)
);
--> statement-breakpoint
CREATE INDEX `retention_marks_newest` ON `retention_marks` (`decided_at`,`backup_id`,`agent_id`);
--> statement-breakpoint
CREATE INDEX `retention_marks_of_item` ON `retention_marks` (`agent_id`,`vm_context_id`,`decided_at`,`backup_id`,`mark`);
--> statement-breakpoint
CREATE INDEX `retention_marks_item` ON `retention_marks` (`vm_context_id`,`decided_at`,`backup_id`,`agent_id`,`mark`);
--> statement-breakpoint
CREATE INDEX `retention_marks_of_agent` ON `retention_marks` (`agent_id`,`decided_at`,`backup_id`,`mark`);
--> statement-breakpoint
CREATE INDEX `retention_marks_mark` ON `retention_marks` (`mark`,`decided_at`,`backup_id`,`agent_id`);
--> statement-breakpoint
CREATE TABLE `holds` (
	`hold_id` text PRIMARY KEY NOT NULL,
	`agent_id` text NOT NULL,
	`vm_context_id` text NOT NULL,
	`backup_id` text,
	`kind` text NOT NULL,
	`until` integer,
	`reason` text NOT NULL,
	`created_at` integer NOT NULL,
	`created_by` text NOT NULL,
	`released_at` integer,
	`released_by` text,
	`release_reason` text
);
--> statement-breakpoint
CREATE INDEX `holds_newest` ON `holds` (`created_at`,`hold_id`,`released_at`);
--> statement-breakpoint
CREATE INDEX `holds_of_agent` ON `holds` (`agent_id`,`created_at`,`hold_id`,`vm_context_id`,`released_at`);
--> statement-breakpoint
CREATE INDEX `holds_item` ON `holds` (`vm_context_id`,`created_at`,`hold_id`,`agent_id`,`released_at`);
--> statement-breakpoint
CREATE INDEX `holds_open` ON `holds` (`agent_id`,`vm_context_id`) WHERE "holds"."released_at" is null;
--> statement-breakpoint
CREATE TABLE `conditions` (
	`subject_key` text NOT NULL,
	`type` text NOT NULL,
	`subject_kind` text NOT NULL,
	`agent_id` text,
	`severity` text NOT NULL,
	`message` text NOT NULL,
	`evidence` text NOT NULL,
	`root_key` text,
	`state` text NOT NULL,
	`since` integer NOT NULL,
	PRIMARY KEY(`subject_key`, `type`)
);
--> statement-breakpoint
CREATE INDEX `conditions_of_agent` ON `conditions` (`agent_id`,`type`);
--> statement-breakpoint
CREATE INDEX `conditions_firing` ON `conditions` (`state`,`type`,`since`);
--> statement-breakpoint
CREATE TABLE `flips` (
	`flip_id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`subject_key` text NOT NULL,
	`type` text NOT NULL,
	`subject_kind` text NOT NULL,
	`agent_id` text,
	`severity` text NOT NULL,
	`message` text NOT NULL,
	`evidence` text NOT NULL,
	`root_key` text,
	`state` text NOT NULL,
	`at` integer NOT NULL,
	`processed_at` integer
);
--> statement-breakpoint
CREATE INDEX `flips_waiting` ON `flips` (`flip_id`) WHERE "flips"."processed_at" is null;
--> statement-breakpoint
CREATE INDEX `flips_of_subject` ON `flips` (`subject_key`,`type`,`flip_id`);
--> statement-breakpoint
CREATE INDEX `flips_at` ON `flips` (`at`,`flip_id`);
--> statement-breakpoint
CREATE TABLE `alerts` (
	`alert_id` text PRIMARY KEY NOT NULL,
	`subject_key` text NOT NULL,
	`type` text NOT NULL,
	`subject_kind` text NOT NULL,
	`agent_id` text,
	`severity` text NOT NULL,
	`message` text NOT NULL,
	`evidence` text NOT NULL,
	`root_key` text,
	`vm_context_id` text,
	`location_id` text,
	`backup_id` text,
	`policy_id` text,
	`state` text NOT NULL,
	`inhibited_by` text,
	`created_at` integer NOT NULL,
	`changed_at` integer NOT NULL,
	`resolved_at` integer,
	`resolved_reason` text,
	`acknowledged_at` integer,
	`acknowledged_by` text,
	`escalated_at` integer,
	`last_notified_at` integer,
	`notified_count` integer NOT NULL,
	`next_look_at` integer
);
--> statement-breakpoint
CREATE UNIQUE INDEX `alerts_one_open` ON `alerts` (`subject_key`,`type`) WHERE "alerts"."resolved_at" is null;
--> statement-breakpoint
CREATE INDEX `alerts_newest` ON `alerts` (`created_at`,`alert_id`);
--> statement-breakpoint
CREATE INDEX `alerts_of_agent` ON `alerts` (`agent_id`,`created_at`,`alert_id`,`state`,`severity`,`type`);
--> statement-breakpoint
CREATE INDEX `alerts_state` ON `alerts` (`state`,`created_at`,`alert_id`,`severity`,`type`,`agent_id`);
--> statement-breakpoint
CREATE INDEX `alerts_severity` ON `alerts` (`severity`,`created_at`,`alert_id`,`type`,`agent_id`);
--> statement-breakpoint
CREATE INDEX `alerts_type` ON `alerts` (`type`,`created_at`,`alert_id`,`agent_id`);
--> statement-breakpoint
CREATE INDEX `alerts_of_subject` ON `alerts` (`subject_key`,`created_at`,`alert_id`);
--> statement-breakpoint
CREATE INDEX `alerts_inhibited` ON `alerts` (`inhibited_by`) WHERE "alerts"."inhibited_by" is not null;
--> statement-breakpoint
CREATE INDEX `alerts_look` ON `alerts` (`next_look_at`) WHERE "alerts"."next_look_at" is not null;
--> statement-breakpoint
CREATE TABLE `alert_notes` (
	`note_id` text PRIMARY KEY NOT NULL,
	`alert_id` text NOT NULL,
	`at` integer NOT NULL,
	`author` text NOT NULL,
	`text` text NOT NULL
);
--> statement-breakpoint
CREATE INDEX `alert_notes_of_alert` ON `alert_notes` (`alert_id`,`at`,`note_id`);
--> statement-breakpoint
CREATE TABLE `silences` (
	`silence_id` text PRIMARY KEY NOT NULL,
	`match` text NOT NULL,
	`starts_at` integer NOT NULL,
	`ends_at` integer NOT NULL,
	`reason` text NOT NULL,
	`created_at` integer NOT NULL,
	`created_by` text NOT NULL,
	`ended_at` integer
);
--> statement-breakpoint
CREATE INDEX `silences_newest` ON `silences` (`created_at`,`silence_id`,`ended_at`);
--> statement-breakpoint
CREATE INDEX `silences_open` ON `silences` (`ends_at`) WHERE "silences"."ended_at" is null;
--> statement-breakpoint
CREATE TABLE `channels` (
	`channel_id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`kind` text NOT NULL,
	`config` text NOT NULL,
	`secret` text,
	`enabled` integer NOT NULL,
	`canary` integer NOT NULL,
	`disabled_at` integer,
	`disabled_reason` text,
	`last_success_at` integer,
	`last_failure_at` integer,
	`last_error` text,
	`created_at` integer NOT NULL,
	`created_by` text NOT NULL,
	`updated_at` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `channels_name` ON `channels` (`name`);
--> statement-breakpoint
CREATE INDEX `channels_newest` ON `channels` (`created_at`,`channel_id`);
--> statement-breakpoint
CREATE TABLE `routes` (
	`route_id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`position` integer NOT NULL,
	`match` text NOT NULL,
	`channel_ids` text NOT NULL,
	`group_wait_seconds` integer NOT NULL,
	`repeat_seconds` integer NOT NULL,
	`escalate_after_seconds` integer,
	`escalate_channel_ids` text NOT NULL,
	`send_resolved` integer NOT NULL,
	`enabled` integer NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `routes_name` ON `routes` (`name`);
--> statement-breakpoint
CREATE INDEX `routes_newest` ON `routes` (`created_at`,`route_id`);
--> statement-breakpoint
CREATE TABLE `deliveries` (
	`sequence` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`delivery_id` text NOT NULL,
	`route_id` text,
	`channel_id` text NOT NULL,
	`kind` text NOT NULL,
	`alert_ids` text NOT NULL,
	`payload` text NOT NULL,
	`dedupe_key` text,
	`created_at` integer NOT NULL,
	`not_before` integer NOT NULL,
	`attempts` integer NOT NULL,
	`state` text NOT NULL,
	`claimed_until` integer,
	`claimed_by` text,
	`finished_at` integer,
	`last_error` text
);
--> statement-breakpoint
CREATE UNIQUE INDEX `deliveries_id` ON `deliveries` (`delivery_id`);
--> statement-breakpoint
CREATE UNIQUE INDEX `deliveries_dedupe` ON `deliveries` (`dedupe_key`);
--> statement-breakpoint
CREATE INDEX `deliveries_waiting` ON `deliveries` (`channel_id`,`route_id`,`sequence`) WHERE "deliveries"."finished_at" is null;
--> statement-breakpoint
CREATE INDEX `deliveries_newest` ON `deliveries` (`created_at`,`delivery_id`);
--> statement-breakpoint
CREATE INDEX `deliveries_of_channel` ON `deliveries` (`channel_id`,`created_at`,`delivery_id`,`state`);
--> statement-breakpoint
CREATE INDEX `deliveries_state` ON `deliveries` (`state`,`created_at`,`delivery_id`);
--> statement-breakpoint
CREATE INDEX `deliveries_of_route` ON `deliveries` (`route_id`,`created_at`) WHERE "deliveries"."route_id" is not null;
--> statement-breakpoint
CREATE TABLE `report_schedules` (
	`schedule_id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`scope_kind` text NOT NULL,
	`scope_id` text,
	`days` integer NOT NULL,
	`format` text NOT NULL,
	`cron` text NOT NULL,
	`zone` text NOT NULL,
	`channel_ids` text NOT NULL,
	`enabled` integer NOT NULL,
	`next_at` integer,
	`last_at` integer,
	`last_error` text,
	`created_at` integer NOT NULL,
	`created_by` text NOT NULL
);
--> statement-breakpoint
CREATE INDEX `report_schedules_newest` ON `report_schedules` (`created_at`,`schedule_id`);
--> statement-breakpoint
CREATE INDEX `report_schedules_next` ON `report_schedules` (`next_at`) WHERE "report_schedules"."next_at" is not null;
--> statement-breakpoint
CREATE TABLE `health_daily` (
	`scope_kind` text NOT NULL,
	`scope_id` text NOT NULL,
	`metric_date` text NOT NULL,
	`total_backups` integer NOT NULL,
	`successful_backups` integer NOT NULL,
	`failed_backups` integer NOT NULL,
	`total_size_bytes` integer NOT NULL,
	`verifications_total` integer NOT NULL,
	`verifications_passed` integer NOT NULL,
	`drills_total` integer NOT NULL,
	`drills_passed` integer NOT NULL,
	`verification_success_rate` real,
	`restore_test_success_rate` real,
	`health_score` real NOT NULL,
	`updated_at` integer NOT NULL,
	PRIMARY KEY(`scope_kind`, `scope_id`, `metric_date`)
);
--> statement-breakpoint
CREATE INDEX `health_daily_date` ON `health_daily` (`metric_date`,`scope_kind`,`scope_id`);
--> statement-breakpoint
CREATE TABLE `health_dirty` (
	`agent_id` text NOT NULL,
	`metric_date` text NOT NULL,
	`since` integer NOT NULL,
	PRIMARY KEY(`agent_id`, `metric_date`)
);
--> statement-breakpoint
CREATE INDEX `health_dirty_since` ON `health_dirty` (`since`);
--> statement-breakpoint
CREATE TABLE `item_states` (
	`agent_id` text NOT NULL,
	`subject_id` text NOT NULL,
	`subject_kind` text NOT NULL,
	`name` text NOT NULL,
	`policy_id` text,
	`created_at` integer NOT NULL,
	`score` real NOT NULL,
	`band` text NOT NULL,
	`proven` integer NOT NULL,
	`last_good_at` integer,
	`last_verified_at` integer,
	`last_drilled_at` integer,
	`rpo_target_seconds` integer,
	`rto_target_seconds` integer,
	`rto_median_seconds` real,
	`rto_worst_seconds` real,
	`compliant` integer NOT NULL,
	`digits` text NOT NULL,
	`recheck_at` integer,
	`updated_at` integer NOT NULL,
	PRIMARY KEY(`agent_id`, `subject_id`)
);
--> statement-breakpoint
CREATE INDEX `item_states_newest` ON `item_states` (`created_at`,`subject_id`,`agent_id`,`band`,`compliant`);
--> statement-breakpoint
CREATE INDEX `item_states_of_agent` ON `item_states` (`agent_id`,`created_at`,`subject_id`,`band`,`compliant`);
--> statement-breakpoint
CREATE INDEX `item_states_band` ON `item_states` (`band`,`created_at`,`subject_id`,`agent_id`,`compliant`);
--> statement-breakpoint
CREATE INDEX `item_states_compliant` ON `item_states` (`compliant`,`created_at`,`subject_id`,`agent_id`,`band`);
--> statement-breakpoint
CREATE INDEX `item_states_of_policy` ON `item_states` (`policy_id`);
--> statement-breakpoint
CREATE INDEX `item_states_recheck` ON `item_states` (`recheck_at`) WHERE "item_states"."recheck_at" is not null;
--> statement-breakpoint
CREATE TABLE `repository_traits` (
	`agent_id` text NOT NULL,
	`repository_id` text NOT NULL,
	`media` text NOT NULL,
	`off_site` integer NOT NULL,
	`offline` integer NOT NULL,
	`immutable` integer NOT NULL,
	`set_at` integer NOT NULL,
	`set_by` text NOT NULL,
	PRIMARY KEY(`agent_id`, `repository_id`)
);
--> statement-breakpoint
ALTER TABLE `agents` ADD `time_zone` text;
--> statement-breakpoint
ALTER TABLE `agents` ADD `offline_after_seconds` integer;
--> statement-breakpoint
ALTER TABLE `executions` ADD `policy_id` text;
--> statement-breakpoint
ALTER TABLE `executions` ADD `policy_version` integer;
--> statement-breakpoint
ALTER TABLE `executions` ADD `task` text;
--> statement-breakpoint
ALTER TABLE `executions` ADD `due_at` integer;
--> statement-breakpoint
ALTER TABLE `executions` ADD `attempt` integer;
--> statement-breakpoint
ALTER TABLE `executions` ADD `progressed_at` integer;
--> statement-breakpoint
ALTER TABLE `executions` ADD `hung_at` integer;
--> statement-breakpoint
ALTER TABLE `backups` ADD `recorded_at` integer;
--> statement-breakpoint
ALTER TABLE `commands` ADD `approval_state` text;
--> statement-breakpoint
ALTER TABLE `commands` ADD `approval_by` text;
--> statement-breakpoint
ALTER TABLE `commands` ADD `approval_at` integer;
--> statement-breakpoint
ALTER TABLE `commands` ADD `approval_reason` text;
--> statement-breakpoint
CREATE INDEX `commands_approval` ON `commands` (`approval_state`,`created_at`,`command_id`,`agent_id`) WHERE "commands"."approval_state" is not null;
--> statement-breakpoint
-- Of what was recorded before there was this column, the host itself said when.
UPDATE backups SET recorded_at = COALESCE(completed_at, created_at) WHERE hash_map_sha256 IS NOT NULL;
