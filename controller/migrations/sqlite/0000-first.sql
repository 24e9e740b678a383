CREATE TABLE `agents` (
	`agent_id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`hostname` text NOT NULL,
	`platform` text NOT NULL,
	`version` text NOT NULL,
	`state` text NOT NULL,
	`labels` text NOT NULL,
	`created_at` integer NOT NULL,
	`last_seen_at` integer,
	`boot_id` text,
	`clock_offset_ms` integer,
	`info` text NOT NULL,
	`policy_version` integer NOT NULL,
	`policy_applied_version` integer NOT NULL,
	`policy_refused` text NOT NULL
);
--> statement-breakpoint
CREATE INDEX `agents_newest` ON `agents` (`created_at`,`agent_id`);
--> statement-breakpoint
CREATE INDEX `agents_hostname` ON `agents` (`hostname`);
--> statement-breakpoint
CREATE TABLE `certificates` (
	`fingerprint` text PRIMARY KEY NOT NULL,
	`agent_id` text NOT NULL,
	`serial` text NOT NULL,
	`key_fingerprint` text NOT NULL,
	`not_before` integer NOT NULL,
	`not_after` integer NOT NULL,
	`issued_at` integer NOT NULL,
	`revoked_at` integer,
	`reason` text,
	FOREIGN KEY (`agent_id`) REFERENCES `agents`(`agent_id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `certificates_of_agent` ON `certificates` (`agent_id`,`issued_at`);
--> statement-breakpoint
CREATE UNIQUE INDEX `certificates_serial` ON `certificates` (`serial`);
--> statement-breakpoint
CREATE TABLE `enrolment_tokens` (
	`token_id` text PRIMARY KEY NOT NULL,
	`secret_hash` text NOT NULL,
	`name` text,
	`created_by` text NOT NULL,
	`created_at` integer NOT NULL,
	`expires_at` integer NOT NULL,
	`used_at` integer,
	`used_by` text,
	`key_fingerprint` text,
	`revoked_at` integer
);
--> statement-breakpoint
CREATE INDEX `enrolment_tokens_newest` ON `enrolment_tokens` (`created_at`,`token_id`);
--> statement-breakpoint
CREATE TABLE `spool_epochs` (
	`agent_id` text NOT NULL,
	`epoch` text NOT NULL,
	`applied_seq` integer NOT NULL,
	`applied_event_id` text,
	`opened_at` integer NOT NULL,
	`closed_at` integer,
	PRIMARY KEY(`agent_id`, `epoch`),
	FOREIGN KEY (`agent_id`) REFERENCES `agents`(`agent_id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE TABLE `spool_gaps` (
	`gap_id` text PRIMARY KEY NOT NULL,
	`agent_id` text NOT NULL,
	`epoch` text NOT NULL,
	`from_seq` integer NOT NULL,
	`to_seq` integer NOT NULL,
	`reason` text NOT NULL,
	`noticed_at` integer NOT NULL,
	FOREIGN KEY (`agent_id`) REFERENCES `agents`(`agent_id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `spool_gaps_place` ON `spool_gaps` (`agent_id`,`epoch`,`from_seq`,`to_seq`);
--> statement-breakpoint
CREATE INDEX `spool_gaps_newest` ON `spool_gaps` (`noticed_at`,`gap_id`);
--> statement-breakpoint
CREATE TABLE `events` (
	`cursor` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`event_id` text NOT NULL,
	`agent_id` text NOT NULL,
	`epoch` text NOT NULL,
	`seq` integer NOT NULL,
	`kind` text NOT NULL,
	`at` integer NOT NULL,
	`received_at` integer NOT NULL,
	`subject` text,
	`body` text NOT NULL,
	`problem` text
);
--> statement-breakpoint
CREATE UNIQUE INDEX `events_event_id` ON `events` (`event_id`);
--> statement-breakpoint
CREATE INDEX `events_of_agent` ON `events` (`agent_id`,`cursor`);
--> statement-breakpoint
CREATE TABLE `items` (
	`agent_id` text NOT NULL,
	`vm_context_id` text NOT NULL,
	`vm_name` text NOT NULL,
	`repository_id` text NOT NULL,
	`origin` text NOT NULL,
	`definition` text NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`retired_at` integer,
	PRIMARY KEY(`agent_id`, `vm_context_id`)
);
--> statement-breakpoint
CREATE INDEX `items_newest` ON `items` (`created_at`,`vm_context_id`,`agent_id`);
--> statement-breakpoint
CREATE INDEX `items_context` ON `items` (`vm_context_id`);
--> statement-breakpoint
CREATE INDEX `items_name` ON `items` (`vm_name`);
--> statement-breakpoint
CREATE TABLE `repositories` (
	`agent_id` text NOT NULL,
	`repository_id` text NOT NULL,
	`kind` text NOT NULL,
	`path` text NOT NULL,
	`origin` text NOT NULL,
	`encryption` integer NOT NULL,
	`state` text NOT NULL,
	`state_reason` text,
	`free_bytes` integer,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`retired_at` integer,
	PRIMARY KEY(`agent_id`, `repository_id`)
);
--> statement-breakpoint
CREATE INDEX `repositories_newest` ON `repositories` (`created_at`,`repository_id`,`agent_id`);
--> statement-breakpoint
CREATE INDEX `repositories_id` ON `repositories` (`repository_id`);
--> statement-breakpoint
CREATE TABLE `executions` (
	`run_id` text PRIMARY KEY NOT NULL,
	`agent_id` text NOT NULL,
	`kind` text NOT NULL,
	`vm_context_id` text NOT NULL,
	`repository_id` text,
	`subject` text,
	`command_id` text,
	`state` text NOT NULL,
	`outcome` text,
	`error` text,
	`progress` text,
	`started_at` integer NOT NULL,
	`ended_at` integer,
	`received_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `executions_newest` ON `executions` (`started_at`,`run_id`);
--> statement-breakpoint
CREATE INDEX `executions_of_agent` ON `executions` (`agent_id`,`started_at`,`run_id`);
--> statement-breakpoint
CREATE INDEX `executions_of_item` ON `executions` (`vm_context_id`,`started_at`,`run_id`);
--> statement-breakpoint
CREATE INDEX `executions_state` ON `executions` (`state`,`started_at`,`run_id`);
--> statement-breakpoint
CREATE INDEX `executions_kind` ON `executions` (`kind`,`started_at`,`run_id`);
--> statement-breakpoint
CREATE INDEX `executions_of_command` ON `executions` (`command_id`) WHERE "executions"."command_id" is not null;
--> statement-breakpoint
CREATE TABLE `backups` (
	`agent_id` text NOT NULL,
	`backup_id` text NOT NULL,
	`repository_id` text NOT NULL,
	`vm_context_id` text NOT NULL,
	`vm_name` text NOT NULL,
	`disk_id` integer NOT NULL,
	`backup_type` text NOT NULL,
	`status` text NOT NULL,
	`restore_point_id` text,
	`full_backup_id` text,
	`parent_backup_id` text,
	`chain_number` integer,
	`chain_position` integer,
	`file_path` text,
	`bytes_transferred` integer NOT NULL,
	`total_bytes` integer NOT NULL,
	`file_size_bytes` integer,
	`hash_map_sha256` text,
	`consistency` text,
	`sidecar` text,
	`run_id` text,
	`command_id` text,
	`error` text,
	`policy_id` text,
	`tags` text NOT NULL,
	`pinned` integer NOT NULL,
	`pin_reason` text,
	`created_at` integer NOT NULL,
	`started_at` integer,
	`completed_at` integer,
	`removed_at` integer,
	`removed_reason` text,
	PRIMARY KEY(`agent_id`, `backup_id`)
);
--> statement-breakpoint
CREATE INDEX `backups_newest` ON `backups` (`created_at`,`backup_id`,`agent_id`);
--> statement-breakpoint
CREATE INDEX `backups_id` ON `backups` (`backup_id`);
--> statement-breakpoint
CREATE INDEX `backups_name` ON `backups` (`vm_name`,`created_at`,`backup_id`);
--> statement-breakpoint
CREATE INDEX `backups_context` ON `backups` (`vm_context_id`,`created_at`,`backup_id`);
--> statement-breakpoint
CREATE INDEX `backups_repository` ON `backups` (`repository_id`,`created_at`,`backup_id`);
--> statement-breakpoint
CREATE INDEX `backups_status` ON `backups` (`status`,`created_at`,`backup_id`);
--> statement-breakpoint
CREATE INDEX `backups_parent` ON `backups` (`agent_id`,`parent_backup_id`);
--> statement-breakpoint
CREATE INDEX `backups_command` ON `backups` (`command_id`) WHERE "backups"."command_id" is not null;
--> statement-breakpoint
CREATE TABLE `verifications` (
	`verification_id` text PRIMARY KEY NOT NULL,
	`agent_id` text NOT NULL,
	`backup_id` text NOT NULL,
	`status` text NOT NULL,
	`cached` integer NOT NULL,
	`verified_at` integer NOT NULL,
	`body` text NOT NULL
);
--> statement-breakpoint
CREATE INDEX `verifications_newest` ON `verifications` (`verified_at`,`verification_id`);
--> statement-breakpoint
CREATE INDEX `verifications_of_backup` ON `verifications` (`agent_id`,`backup_id`,`verified_at`);
--> statement-breakpoint
CREATE TABLE `drills` (
	`drill_id` text PRIMARY KEY NOT NULL,
	`agent_id` text NOT NULL,
	`backup_id` text NOT NULL,
	`status` text NOT NULL,
	`level` text NOT NULL,
	`restore_seconds` real,
	`drilled_at` integer NOT NULL,
	`body` text NOT NULL
);
--> statement-breakpoint
CREATE INDEX `drills_newest` ON `drills` (`drilled_at`,`drill_id`);
--> statement-breakpoint
CREATE INDEX `drills_of_backup` ON `drills` (`agent_id`,`backup_id`,`drilled_at`);
--> statement-breakpoint
CREATE TABLE `commands` (
	`command_id` text PRIMARY KEY NOT NULL,
	`agent_id` text NOT NULL,
	`kind` text NOT NULL,
	`arguments` text NOT NULL,
	`author` text NOT NULL,
	`reason` text NOT NULL,
	`state` text NOT NULL,
	`created_at` integer NOT NULL,
	`deadline` integer NOT NULL,
	`sent_at` integer,
	`finished_at` integer,
	`result` text,
	`error` text,
	`run_ids` text NOT NULL,
	`idempotency_key` text,
	`cancel_requested_at` integer
);
--> statement-breakpoint
CREATE UNIQUE INDEX `commands_idempotency_key` ON `commands` (`idempotency_key`);
--> statement-breakpoint
CREATE INDEX `commands_newest` ON `commands` (`created_at`,`command_id`);
--> statement-breakpoint
CREATE INDEX `commands_of_agent` ON `commands` (`agent_id`,`state`,`created_at`);
--> statement-breakpoint
CREATE INDEX `commands_state` ON `commands` (`state`,`created_at`,`command_id`);
--> statement-breakpoint
CREATE TABLE `api_keys` (
	`key_id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`secret_hash` text NOT NULL,
	`scopes` text NOT NULL,
	`agent_id` text,
	`networks` text NOT NULL,
	`zone` text,
	`created_by` text NOT NULL,
	`created_at` integer NOT NULL,
	`expires_at` integer,
	`revoked_at` integer,
	`replaced_by` text,
	`last_used_at` integer
);
--> statement-breakpoint
CREATE INDEX `api_keys_newest` ON `api_keys` (`created_at`,`key_id`);
--> statement-breakpoint
CREATE TABLE `audit` (
	`audit_id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`at` integer NOT NULL,
	`actor` text NOT NULL,
	`action` text NOT NULL,
	`subject` text,
	`outcome` text NOT NULL,
	`details` text NOT NULL
);
--> statement-breakpoint
CREATE INDEX `audit_at` ON `audit` (`at`,`audit_id`);
--> statement-breakpoint
CREATE TABLE `settings` (
	`name` text PRIMARY KEY NOT NULL,
	`value` text NOT NULL
);
