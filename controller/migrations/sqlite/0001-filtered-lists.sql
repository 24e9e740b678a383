DROP INDEX `backups_newest`;
--> statement-breakpoint
CREATE INDEX `backups_type` ON `backups` (`backup_type`,`created_at`,`backup_id`) WHERE "backups"."removed_at" is null;
--> statement-breakpoint
CREATE INDEX `backups_of_agent` ON `backups` (`agent_id`,`created_at`,`backup_id`);
--> statement-breakpoint
CREATE INDEX `backups_newest` ON `backups` (`created_at`,`backup_id`,`agent_id`) WHERE "backups"."removed_at" is null;
--> statement-breakpoint
CREATE INDEX `executions_of_agent_state` ON `executions` (`agent_id`,`state`,`started_at`,`run_id`);
--> statement-breakpoint
CREATE INDEX `verifications_status` ON `verifications` (`status`,`verified_at`,`verification_id`);
--> statement-breakpoint
CREATE INDEX `drills_status` ON `drills` (`status`,`drilled_at`,`drill_id`);
