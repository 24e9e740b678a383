DROP INDEX "executions_kind_state";
--> statement-breakpoint
DROP INDEX "backups_sizes";
--> statement-breakpoint
DROP INDEX "executions_newest";
--> statement-breakpoint
DROP INDEX "executions_of_agent";
--> statement-breakpoint
DROP INDEX "executions_of_agent_kind";
--> statement-breakpoint
DROP INDEX "executions_of_agent_state";
--> statement-breakpoint
DROP INDEX "executions_state";
--> statement-breakpoint
DROP INDEX "executions_kind";
--> statement-breakpoint
DROP INDEX "backups_newest";
--> statement-breakpoint
DROP INDEX "backups_of_agent";
--> statement-breakpoint
DROP INDEX "backups_status";
--> statement-breakpoint
DROP INDEX "backups_type";
--> statement-breakpoint
DROP INDEX "backups_disk";
--> statement-breakpoint
DROP INDEX "backups_parent";
--> statement-breakpoint
CREATE INDEX "backups_removed_of_agent" ON "backups" USING btree ("agent_id","removed_at") WHERE "backups"."removed_at" is not null;
--> statement-breakpoint
CREATE INDEX "executions_newest" ON "executions" USING btree ("started_at","run_id","kind","state");
--> statement-breakpoint
CREATE INDEX "executions_of_agent" ON "executions" USING btree ("agent_id","started_at","run_id","kind","state");
--> statement-breakpoint
CREATE INDEX "executions_of_agent_kind" ON "executions" USING btree ("agent_id","kind","started_at","run_id","state") WHERE "executions"."kind" <> 'backup';
--> statement-breakpoint
CREATE INDEX "executions_of_agent_state" ON "executions" USING btree ("agent_id","state","started_at","run_id","kind") WHERE "executions"."state" <> 'completed';
--> statement-breakpoint
CREATE INDEX "executions_state" ON "executions" USING btree ("state","started_at","run_id","kind") WHERE "executions"."state" <> 'completed';
--> statement-breakpoint
CREATE INDEX "executions_kind" ON "executions" USING btree ("kind","started_at","run_id","state") WHERE "executions"."kind" <> 'backup';
--> statement-breakpoint
CREATE INDEX "backups_newest" ON "backups" USING btree ("created_at","backup_id","agent_id","repository_id","status","backup_type","disk_id","removed_at") WHERE "backups"."removed_at" is null;
--> statement-breakpoint
CREATE INDEX "backups_of_agent" ON "backups" USING btree ("agent_id","created_at","backup_id","repository_id","status","backup_type","disk_id","removed_at","vm_context_id","completed_at","file_size_bytes") WHERE "backups"."removed_at" is null;
--> statement-breakpoint
CREATE INDEX "backups_status" ON "backups" USING btree ("status","created_at","backup_id","agent_id","repository_id","backup_type","disk_id","removed_at") WHERE "backups"."removed_at" is null and "backups"."status" <> 'completed';
--> statement-breakpoint
CREATE INDEX "backups_type" ON "backups" USING btree ("backup_type","created_at","backup_id","agent_id","repository_id","status","disk_id","removed_at") WHERE "backups"."removed_at" is null and "backups"."backup_type" <> 'incremental';
--> statement-breakpoint
CREATE INDEX "backups_disk" ON "backups" USING btree ("disk_id","created_at","backup_id","agent_id","repository_id","status","backup_type","removed_at") WHERE "backups"."removed_at" is null and "backups"."disk_id" <> 0;
--> statement-breakpoint
CREATE INDEX "backups_parent" ON "backups" USING btree ("agent_id","parent_backup_id") WHERE "backups"."parent_backup_id" is not null;
