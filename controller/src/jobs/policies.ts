import type { JobList } from "./job-list.ts";

export const policyJobs: JobList = () => [];
