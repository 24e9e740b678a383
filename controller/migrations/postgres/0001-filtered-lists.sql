DROP INDEX "backups_newest";
--> statement-breakpoint
CREATE INDEX "executions_of_agent_state" ON "executions" USING btree ("agent_id","state","started_at","run_id");
--> statement-breakpoint
CREATE INDEX "backups_type" ON "backups" USING btree ("backup_type","created_at","backup_id") WHERE "backups"."removed_at" is null;
--> statement-breakpoint
CREATE INDEX "backups_of_agent" ON "backups" USING btree ("agent_id","created_at","backup_id");
--> statement-breakpoint
CREATE INDEX "verifications_status" ON "verifications" USING btree ("status","verified_at","verification_id");
--> statement-breakpoint
CREATE INDEX "drills_status" ON "drills" USING btree ("status","drilled_at","drill_id");
--> statement-breakpoint
CREATE INDEX "backups_newest" ON "backups" USING btree ("created_at","backup_id","agent_id") WHERE "backups"."removed_at" is null;
