export { type ClickHouseOptions, openClickHouseStore } from "./clickhouse.js";
export { type DuckDbOptions, openDuckDbStore } from "./duckdb.js";
export { PatientStore } from "./patient.js";
export * from "./store.js";
