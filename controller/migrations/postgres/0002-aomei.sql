CREATE TABLE "aomei_jobs" (
	"job_id" bigint NOT NULL,
	"agent_id" text COLLATE "C",
	"task_guid" text COLLATE "C",
	"task_name" text COLLATE "C" NOT NULL,
	"named_at" bigint,
	"job_type" text COLLATE "C" NOT NULL,
	"target_server" text COLLATE "C" NOT NULL,
	"target_path" text COLLATE "C",
	"description" text COLLATE "C" NOT NULL,
	"is_active" boolean NOT NULL,
	"retention_days" bigint NOT NULL,
	"expectation" text COLLATE "C" NOT NULL,
	"set_seconds" bigint,
	"learned_seconds" bigint,
	"last_run_at" bigint,
	"last_status" text COLLATE "C",
	"merged_into" bigint,
	"created_at" bigint NOT NULL,
	"updated_at" bigint NOT NULL,
	CONSTRAINT "aomei_jobs_pk" PRIMARY KEY("job_id")
);
--> statement-breakpoint
CREATE TABLE "aomei_job_names" (
	"source" text COLLATE "C" NOT NULL,
	"name" text COLLATE "C" NOT NULL,
	"job_id" bigint NOT NULL,
	"since" bigint NOT NULL,
	CONSTRAINT "aomei_job_names_pk" PRIMARY KEY("source","name","job_id")
);
--> statement-breakpoint
CREATE TABLE "aomei_runs" (
	"run_id" text COLLATE "C" PRIMARY KEY NOT NULL,
	"job_id" bigint NOT NULL,
	"copy_type" text COLLATE "C" NOT NULL,
	"media" text COLLATE "C" NOT NULL,
	"storage_path" text COLLATE "C",
	"status" text COLLATE "C" NOT NULL,
	"script_status" text COLLATE "C",
	"agent_status" text COLLATE "C",
	"started_at" bigint,
	"ended_at" bigint,
	"occurred_at" bigint NOT NULL,
	"received_at" bigint NOT NULL,
	"size_bytes" bigint,
	"duration_seconds" double precision,
	"task_name" text COLLATE "C",
	"error_message" text COLLATE "C",
	"details" text,
	"operation" text COLLATE "C",
	"result_code" bigint
);
--> statement-breakpoint
CREATE TABLE "aomei_reports" (
	"report_id" text COLLATE "C" PRIMARY KEY NOT NULL,
	"run_id" text COLLATE "C" NOT NULL,
	"job_id" bigint NOT NULL,
	"teller" text COLLATE "C" NOT NULL,
	"copy_type" text COLLATE "C" NOT NULL,
	"status" text COLLATE "C" NOT NULL,
	"started_at" bigint,
	"ended_at" bigint,
	"digest" text COLLATE "C" NOT NULL,
	"received_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "aomei_copies" (
	"job_id" bigint NOT NULL,
	"copy_type" text COLLATE "C" NOT NULL,
	"media" text COLLATE "C" NOT NULL,
	"status" text COLLATE "C" NOT NULL,
	"last_run_at" bigint NOT NULL,
	"last_good_at" bigint,
	"size_bytes" bigint,
	"path" text COLLATE "C",
	CONSTRAINT "aomei_copies_pk" PRIMARY KEY("job_id","copy_type","media")
);
--> statement-breakpoint
CREATE TABLE "aomei_sources" (
	"agent_id" text COLLATE "C" NOT NULL,
	"source" text COLLATE "C" NOT NULL,
	"source_kind" text COLLATE "C" NOT NULL,
	"state" text COLLATE "C" NOT NULL,
	"reason" text COLLATE "C",
	"findings" text NOT NULL,
	"told_at" bigint NOT NULL,
	CONSTRAINT "aomei_sources_pk" PRIMARY KEY("agent_id","source")
);
--> statement-breakpoint
CREATE TABLE "aomei_images" (
	"agent_id" text COLLATE "C" NOT NULL,
	"path" text COLLATE "C" NOT NULL,
	"folder" text COLLATE "C" NOT NULL,
	"image_kind" text COLLATE "C" NOT NULL,
	"job_id" bigint,
	"state" text COLLATE "C" NOT NULL,
	"reason" text COLLATE "C",
	"size_bytes" bigint NOT NULL,
	"modified_at" bigint NOT NULL,
	"checksum" text COLLATE "C" NOT NULL,
	"first_seen_at" bigint NOT NULL,
	"checked_at" bigint NOT NULL,
	CONSTRAINT "aomei_images_pk" PRIMARY KEY("agent_id","path")
);
--> statement-breakpoint
CREATE UNIQUE INDEX "aomei_jobs_task" ON "aomei_jobs" USING btree ("agent_id","task_guid");
--> statement-breakpoint
CREATE INDEX "aomei_jobs_newest" ON "aomei_jobs" USING btree ("created_at","job_id");
--> statement-breakpoint
CREATE INDEX "aomei_jobs_of_agent" ON "aomei_jobs" USING btree ("agent_id","created_at","job_id");
--> statement-breakpoint
CREATE INDEX "aomei_job_names_of_job" ON "aomei_job_names" USING btree ("job_id");
--> statement-breakpoint
CREATE INDEX "aomei_runs_of_job" ON "aomei_runs" USING btree ("job_id","occurred_at","run_id");
--> statement-breakpoint
CREATE INDEX "aomei_runs_of_copy" ON "aomei_runs" USING btree ("job_id","copy_type","media","status","occurred_at");
--> statement-breakpoint
CREATE INDEX "aomei_runs_newest" ON "aomei_runs" USING btree ("occurred_at","run_id");
--> statement-breakpoint
CREATE INDEX "aomei_reports_of_run" ON "aomei_reports" USING btree ("run_id");
--> statement-breakpoint
CREATE INDEX "aomei_reports_ended" ON "aomei_reports" USING btree ("job_id","ended_at");
--> statement-breakpoint
CREATE INDEX "aomei_reports_digest" ON "aomei_reports" USING btree ("digest","received_at");
--> statement-breakpoint
CREATE INDEX "aomei_images_of_job" ON "aomei_images" USING btree ("job_id","modified_at") WHERE "aomei_images"."job_id" is not null;
