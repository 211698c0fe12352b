import type { CodegenConfig } from "@graphql-codegen/cli";

const records = "../domain/fleet/records.js";

/** Types for resolvers, so that a resolver which does not fit the schema fails to compile. */
const config: CodegenConfig = {
  schema: "src/graphql/**/*.graphql",
  generates: {
    "src/graphql/generated.ts": {
      plugins: ["typescript", "typescript-resolvers"],
      config: {
        useTypeImports: true,
        emitLegacyCommonJSImports: false,
        enumsAsTypes: true,
        immutableTypes: true,
        contextType: "./context.js#Context",
        strictScalars: true,
        defaultScalarType: "unknown",
        scalars: {
          ID: "string",
          DateTime: "number",
          Date: { input: "string", output: "number | string" },
          DateOrDateTime: "string",
          Money: "number",
          Decimal: "string",
          JSONObject: "Record<string, unknown>",
          URL: "string",
        },
        mappers: {
          Alert: `${records}#Alert as AlertRecord`,
          Appointment: `${records}#Appointment as AppointmentRecord`,
          Claim: `${records}#Claim as ClaimRecord`,
          Component: `${records}#ComponentHealth as ComponentHealthRecord`,
          Decision: `${records}#Decision as DecisionRecord`,
          CostRange: `${records}#CostRange as CostRangeRecord`,
          Position: `${records}#Position as PositionRecord`,
          Slot: `${records}#Slot as SlotRecord`,
          Technician: `${records}#Technician as TechnicianRecord`,
          Telemetry: `${records}#Telemetry as TelemetryRecord`,
          Vehicle: `${records}#Vehicle as VehicleRecord`,
          VehicleHealth: `${records}#Health as HealthRecord`,
          WarrantyCoverage: `${records}#WarrantyCoverage as WarrantyCoverageRecord`,
          Period: "../base/time-range.js#TimeRange",
          Fleet: "../fleet/index.js#FleetView",
          AuditEntry: "../db/index.js#StoredAuditEntry",
          User: "../auth/index.js#UserProfile",
          Membership: "../db/index.js#StoredMember",
          Session: "../db/index.js#StoredSession",
          Tenant: "../db/index.js#StoredTenant",
          TenantFleet: "../db/index.js#StoredFleet",
          RoleDefinition: "../db/index.js#StoredRole",
          ApiKey: "../db/index.js#ApiKeyRow",
          Event: "../events/index.js#EventRow",
          EventDefinition: "../events/index.js#EventType as EventTypeRecord",
          DeadLetter: "../db/index.js#StoredDeadLetter",
          Erasure: "../jobs/index.js#Job as JobRecord",
        },
      },
    },
  },
};

export default config;
