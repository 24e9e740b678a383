DROP INDEX "executions_of_agent_state";
--> statement-breakpoint
DROP INDEX "backups_newest";
--> statement-breakpoint
DROP INDEX "backups_type";
--> statement-breakpoint
DROP INDEX "backups_of_agent";
--> statement-breakpoint
DROP INDEX "backups_name";
--> statement-breakpoint
DROP INDEX "backups_context";
--> statement-breakpoint
DROP INDEX "backups_repository";
--> statement-breakpoint
DROP INDEX "backups_status";
--> statement-breakpoint
DROP INDEX "verifications_of_backup";
--> statement-breakpoint
DROP INDEX "drills_of_backup";
--> statement-breakpoint
DROP INDEX "commands_of_agent";
--> statement-breakpoint
CREATE INDEX "executions_of_agent_kind" ON "executions" USING btree ("agent_id","kind","started_at","run_id");
--> statement-breakpoint
CREATE INDEX "executions_kind_state" ON "executions" USING btree ("kind","state","started_at","run_id");
--> statement-breakpoint
CREATE INDEX "backups_disk" ON "backups" USING btree ("disk_id","created_at","backup_id","agent_id","repository_id","status","backup_type","removed_at") WHERE "backups"."removed_at" is null;
--> statement-breakpoint
CREATE INDEX "backups_restore_point" ON "backups" USING btree ("restore_point_id") WHERE "backups"."restore_point_id" is not null;
--> statement-breakpoint
CREATE INDEX "verifications_of_agent" ON "verifications" USING btree ("agent_id","verified_at","verification_id","status");
--> statement-breakpoint
CREATE INDEX "drills_of_agent" ON "drills" USING btree ("agent_id","drilled_at","drill_id","status");
--> statement-breakpoint
CREATE INDEX "commands_newest_of_agent" ON "commands" USING btree ("agent_id","created_at","command_id","kind");
--> statement-breakpoint
CREATE INDEX "commands_kind" ON "commands" USING btree ("kind","created_at","command_id","state");
--> statement-breakpoint
CREATE INDEX "audit_actor" ON "audit" USING btree ("actor","audit_id");
--> statement-breakpoint
CREATE INDEX "audit_action" ON "audit" USING btree ("action","audit_id");
--> statement-breakpoint
CREATE INDEX "executions_of_agent_state" ON "executions" USING btree ("agent_id","state","started_at","run_id","kind");
--> statement-breakpoint
CREATE INDEX "backups_newest" ON "backups" USING btree ("created_at","backup_id","agent_id","removed_at") WHERE "backups"."removed_at" is null;
--> statement-breakpoint
CREATE INDEX "backups_type" ON "backups" USING btree ("backup_type","created_at","backup_id","agent_id","repository_id","status","disk_id","removed_at") WHERE "backups"."removed_at" is null;
--> statement-breakpoint
CREATE INDEX "backups_of_agent" ON "backups" USING btree ("agent_id","created_at","backup_id","repository_id","status","backup_type","disk_id","removed_at") WHERE "backups"."removed_at" is null;
--> statement-breakpoint
CREATE INDEX "backups_name" ON "backups" USING btree ("vm_name","created_at","backup_id","agent_id") WHERE "backups"."removed_at" is null;
--> statement-breakpoint
CREATE INDEX "backups_context" ON "backups" USING btree ("vm_context_id","created_at","backup_id","agent_id") WHERE "backups"."removed_at" is null;
--> statement-breakpoint
CREATE INDEX "backups_repository" ON "backups" USING btree ("repository_id","created_at","backup_id","agent_id","status","backup_type","disk_id","removed_at") WHERE "backups"."removed_at" is null;
--> statement-breakpoint
CREATE INDEX "backups_status" ON "backups" USING btree ("status","created_at","backup_id","agent_id","repository_id","backup_type","disk_id","removed_at") WHERE "backups"."removed_at" is null;
--> statement-breakpoint
CREATE INDEX "verifications_of_backup" ON "verifications" USING btree ("backup_id","agent_id","verified_at");
--> statement-breakpoint
CREATE INDEX "drills_of_backup" ON "drills" USING btree ("backup_id","agent_id","drilled_at");
--> statement-breakpoint
CREATE INDEX "commands_of_agent" ON "commands" USING btree ("agent_id","state","created_at","command_id");
