ALTER TABLE "policy_versions" ADD COLUMN "item_removals" text;
--> statement-breakpoint
CREATE INDEX "backups_sizes" ON "backups" USING btree ("agent_id","vm_context_id","repository_id","status","completed_at","removed_at","file_size_bytes") WHERE "backups"."file_size_bytes" is not null;
--> statement-breakpoint
CREATE INDEX "backups_removed" ON "backups" USING btree ("removed_at","agent_id","backup_id") WHERE "backups"."removed_at" is not null;
--> statement-breakpoint
CREATE INDEX "item_states_proven" ON "item_states" USING btree ("proven","agent_id");
