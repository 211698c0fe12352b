-- One row per person that the audit trail knows; without it nobody can tell whose entries are theirs, or read them.
CREATE TABLE "audit_subjects" (
    "tenant_id" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,
    "token" TEXT NOT NULL,
    "wrapped_key" BYTEA NOT NULL,

    CONSTRAINT "audit_subjects_pkey" PRIMARY KEY ("tenant_id","user_id")
);
CREATE UNIQUE INDEX "audit_subjects_token_key" ON "audit_subjects"("token");
