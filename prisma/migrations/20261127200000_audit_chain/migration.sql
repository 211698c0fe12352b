-- The text of the details as it was written: jsonb would reorder its keys, and nobody could compute a hash again.
ALTER TABLE "audit_entries" ALTER COLUMN "details" DROP DEFAULT;
ALTER TABLE "audit_entries" ALTER COLUMN "details" TYPE JSON USING "details"::text::json;
ALTER TABLE "audit_entries" ALTER COLUMN "details" SET DEFAULT '{}';
ALTER TABLE "audit_outbox" ALTER COLUMN "entry" TYPE JSON USING "entry"::text::json;

-- Null only in entries older than this migration, until the gateway chains them as it starts.
ALTER TABLE "audit_entries" ADD COLUMN "prev_hash" BYTEA,
ADD COLUMN "hash" BYTEA;

CREATE TABLE "audit_checkpoints" (
    "tenant_id" TEXT NOT NULL,
    "seq" BIGINT NOT NULL,
    "hash" BYTEA NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "key_id" TEXT NOT NULL,
    "previous" BYTEA NOT NULL,
    "signature" BYTEA NOT NULL,

    CONSTRAINT "audit_checkpoints_pkey" PRIMARY KEY ("tenant_id","seq")
);
ALTER TABLE "audit_checkpoints" ADD CONSTRAINT "audit_checkpoints_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenants"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- Nothing that has been written changes or goes, whoever asks.
CREATE FUNCTION "refuse_audit_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the audit trail only grows: % of % is refused', TG_OP, TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE FUNCTION "chain_audit_entry_once"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.hash IS NULL AND NEW.hash IS NOT NULL
    AND to_jsonb(NEW) - '{hash,prev_hash}'::text[] = to_jsonb(OLD) - '{hash,prev_hash}'::text[] THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'the audit trail only grows: % of % is refused', TG_OP, TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER "audit_entries_no_update" BEFORE UPDATE ON "audit_entries" FOR EACH ROW EXECUTE FUNCTION "chain_audit_entry_once"();
CREATE TRIGGER "audit_entries_no_delete" BEFORE DELETE ON "audit_entries" FOR EACH ROW EXECUTE FUNCTION "refuse_audit_change"();
CREATE TRIGGER "audit_entries_no_truncate" BEFORE TRUNCATE ON "audit_entries" FOR EACH STATEMENT EXECUTE FUNCTION "refuse_audit_change"();
CREATE TRIGGER "audit_checkpoints_no_change" BEFORE UPDATE OR DELETE ON "audit_checkpoints" FOR EACH ROW EXECUTE FUNCTION "refuse_audit_change"();
CREATE TRIGGER "audit_checkpoints_no_truncate" BEFORE TRUNCATE ON "audit_checkpoints" FOR EACH STATEMENT EXECUTE FUNCTION "refuse_audit_change"();
