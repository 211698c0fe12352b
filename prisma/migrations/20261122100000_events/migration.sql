-- CreateEnum
CREATE TYPE "JobState" AS ENUM ('waiting', 'running', 'done', 'failed', 'cancelled');

-- CreateEnum
CREATE TYPE "DeadLetterState" AS ENUM ('waiting', 'replayed');

-- CreateTable
CREATE TABLE "jobs" (
    "id" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "tenant_id" TEXT,
    "payload" JSON NOT NULL,
    "state" "JobState" NOT NULL DEFAULT 'waiting',
    "run_at" TIMESTAMPTZ(3) NOT NULL,
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "max_attempts" INTEGER NOT NULL,
    "lease_owner" TEXT,
    "lease_token" TEXT,
    "lease_until" TIMESTAMPTZ(3),
    "progress" JSON,
    "result" JSON,
    "error" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "finished_at" TIMESTAMPTZ(3),

    CONSTRAINT "jobs_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "leases" (
    "name" TEXT NOT NULL,
    "owner" TEXT NOT NULL,
    "fence" BIGINT NOT NULL,
    "until" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "leases_pkey" PRIMARY KEY ("name")
);

-- CreateTable
CREATE TABLE "dead_letters" (
    "id" TEXT NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "error" TEXT NOT NULL,
    "faults" JSON NOT NULL,
    "event_type" TEXT,
    "origin" TEXT NOT NULL,
    "shape" TEXT NOT NULL,
    "event_id" TEXT NOT NULL,
    "raw" BYTEA NOT NULL,
    "digest" BYTEA NOT NULL,
    "attempts" INTEGER NOT NULL,
    "failed_at" TIMESTAMPTZ(3) NOT NULL,
    "state" "DeadLetterState" NOT NULL DEFAULT 'waiting',
    "replayed_at" TIMESTAMPTZ(3),

    CONSTRAINT "dead_letters_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "jobs_kind_key_key" ON "jobs"("kind", "key");

-- CreateIndex
CREATE INDEX "jobs_state_run_at_idx" ON "jobs"("state", "run_at");

-- CreateIndex
CREATE INDEX "jobs_tenant_id_kind_created_at_idx" ON "jobs"("tenant_id", "kind", "created_at");

-- CreateIndex
CREATE UNIQUE INDEX "dead_letters_tenant_id_digest_key" ON "dead_letters"("tenant_id", "digest");

-- CreateIndex
CREATE INDEX "dead_letters_tenant_id_failed_at_id_idx" ON "dead_letters"("tenant_id", "failed_at", "id");

-- CreateIndex
CREATE INDEX "dead_letters_tenant_id_kind_failed_at_idx" ON "dead_letters"("tenant_id", "kind", "failed_at");

-- AddForeignKey
ALTER TABLE "dead_letters" ADD CONSTRAINT "dead_letters_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenants"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
