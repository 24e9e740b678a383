CREATE TABLE `aomei_jobs` (
	`job_id` integer PRIMARY KEY NOT NULL,
	`agent_id` text,
	`task_guid` text,
	`task_name` text NOT NULL,
	`named_at` integer,
	`job_type` text NOT NULL,
	`target_server` text NOT NULL,
	`target_path` text,
	`description` text NOT NULL,
	`is_active` integer NOT NULL,
	`retention_days` integer NOT NULL,
	`expectation` text NOT NULL,
	`set_seconds` integer,
	`learned_seconds` integer,
	`last_run_at` integer,
	`last_status` text,
	`merged_into` integer,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `aomei_jobs_task` ON `aomei_jobs` (`agent_id`,`task_guid`);
--> statement-breakpoint
CREATE INDEX `aomei_jobs_newest` ON `aomei_jobs` (`created_at`,`job_id`);
--> statement-breakpoint
CREATE INDEX `aomei_jobs_of_agent` ON `aomei_jobs` (`agent_id`,`created_at`,`job_id`);
--> statement-breakpoint
CREATE TABLE `aomei_job_names` (
	`source` text NOT NULL,
	`name` text NOT NULL,
	`job_id` integer NOT NULL,
	`since` integer NOT NULL,
	PRIMARY KEY(`source`, `name`, `job_id`)
);
--> statement-breakpoint
CREATE INDEX `aomei_job_names_of_job` ON `aomei_job_names` (`job_id`);
--> statement-breakpoint
CREATE TABLE `aomei_runs` (
	`run_id` text PRIMARY KEY NOT NULL,
	`job_id` integer NOT NULL,
	`copy_type` text NOT NULL,
	`media` text NOT NULL,
	`storage_path` text,
	`status` text NOT NULL,
	`script_status` text,
	`agent_status` text,
	`started_at` integer,
	`ended_at` integer,
	`occurred_at` integer NOT NULL,
	`received_at` integer NOT NULL,
	`size_bytes` integer,
	`duration_seconds` real,
	`task_name` text,
	`error_message` text,
	`details` text,
	`operation` text,
	`result_code` integer
);
--> statement-breakpoint
CREATE INDEX `aomei_runs_of_job` ON `aomei_runs` (`job_id`,`occurred_at`,`run_id`);
--> statement-breakpoint
CREATE INDEX `aomei_runs_of_copy` ON `aomei_runs` (`job_id`,`copy_type`,`media`,`status`,`occurred_at`);
--> statement-breakpoint
CREATE INDEX `aomei_runs_newest` ON `aomei_runs` (`occurred_at`,`run_id`);
--> statement-breakpoint
CREATE TABLE `aomei_reports` (
	`report_id` text PRIMARY KEY NOT NULL,
	`run_id` text NOT NULL,
	`job_id` integer NOT NULL,
	`teller` text NOT NULL,
	`copy_type` text NOT NULL,
	`status` text NOT NULL,
	`started_at` integer,
	`ended_at` integer,
	`digest` text NOT NULL,
	`received_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `aomei_reports_of_run` ON `aomei_reports` (`run_id`);
--> statement-breakpoint
CREATE INDEX `aomei_reports_ended` ON `aomei_reports` (`job_id`,`ended_at`);
--> statement-breakpoint
CREATE INDEX `aomei_reports_digest` ON `aomei_reports` (`digest`,`received_at`);
--> statement-breakpoint
CREATE TABLE `aomei_copies` (
	`job_id` integer NOT NULL,
	`copy_type` text NOT NULL,
	`media` text NOT NULL,
	`status` text NOT NULL,
	`last_run_at` integer NOT NULL,
	`last_good_at` integer,
	`size_bytes` integer,
	`path` text,
	PRIMARY KEY(`job_id`, `copy_type`, `media`)
);
--> statement-breakpoint
CREATE TABLE `aomei_sources` (
	`agent_id` text NOT NULL,
	`source` text NOT NULL,
	`source_kind` text NOT NULL,
	`state` text NOT NULL,
	`reason` text,
	`findings` text NOT NULL,
	`told_at` integer NOT NULL,
	PRIMARY KEY(`agent_id`, `source`)
);
--> statement-breakpoint
CREATE TABLE `aomei_images` (
	`agent_id` text NOT NULL,
	`path` text NOT NULL,
	`folder` text NOT NULL,
	`image_kind` text NOT NULL,
	`job_id` integer,
	`state` text NOT NULL,
	`reason` text,
	`size_bytes` integer NOT NULL,
	`modified_at` integer NOT NULL,
	`checksum` text NOT NULL,
	`first_seen_at` integer NOT NULL,
	`checked_at` integer NOT NULL,
	PRIMARY KEY(`agent_id`, `path`)
);
--> statement-breakpoint
CREATE INDEX `aomei_images_of_job` ON `aomei_images` (`job_id`,`modified_at`) WHERE "aomei_images"."job_id" is not null;
