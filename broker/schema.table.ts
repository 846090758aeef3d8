/**
 * The broker's database, one numbered step after another, forward only. A step that was released is never edited:
 * append the next number here and its SQL to the file of its subject.
 */
import { AGAIN_SCHEMA, COUNT_SCHEMA, JOBS_SCHEMA } from "./schema-jobs.table.ts";
import { REGISTRY_SCHEMA } from "./schema-registry.table.ts";

export const MIGRATIONS: readonly string[] = [
  JOBS_SCHEMA, // 1
  REGISTRY_SCHEMA, // 2
  AGAIN_SCHEMA, // 3
  COUNT_SCHEMA, // 4
];
