import cluster from "node:cluster";
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { metricsOfAll } from "./worker-metrics.js";

export type CacheOutcome = "hit" | "stale" | "miss" | "bypass" | "joined" | "shared" | "stale_on_error";

/** Everything that `/metrics` tells, in Prometheus' units (seconds, bytes) and naming. */
export interface Metrics {
  request(operation: string, status: number, seconds: number): void;
  /** A request to the product area on its own port, under the names that its old service had. */
  productRequest(method: string, endpoint: string, status: number, seconds: number): void;
  upstreamCall(service: string, outcome: string, seconds: number): void;
  cacheRead(outcome: CacheOutcome): void;
  auditSealed(entries: number): void;
  /** Events safely on disk; `shape` is the way they were written in. */
  eventsTaken(shape: string, events: number): void;
  /** Messages put into the dead letters. */
  eventsSetAside(shape: string, messages: number): void;
  /** Messages at fault in batches that were refused as a whole. */
  eventsRefused(shape: string, messages: number): void;
  sourceMessages(source: string, outcome: "taken" | "dropped" | "unpublished", messages: number): void;
  sourceRestarted(source: string): void;
  eventsStored(stored: number, duplicates: number, seconds: number): void;
  watchBreaker(service: string, state: () => "closed" | "open" | "half-open"): void;
  watchGauge(name: string, help: string, read: () => number): void;
  /** A gauge with one label, read when somebody looks. */
  watchGauges(name: string, help: string, label: string, read: () => Iterable<readonly [string, number]>): void;
  /** Prometheus text exposition format and its media type. */
  expose(): Promise<{ contentType: string; text: string }>;
}

const BREAKER_LEVEL = { closed: 0, "half-open": 1, open: 2 } as const;
const LATENCY_BUCKETS = [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5];

export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const requests = new Histogram({
    name: "crowsnest_request_duration_seconds",
    help: "Time to answer, by operation and HTTP status",
    labelNames: ["operation", "status"],
    buckets: LATENCY_BUCKETS,
    registers,
  });
  // Finding a series by its labels takes longer than adding to it.
  const ofOperations = new Map<string, Histogram.Internal<"operation" | "status">>();
  const productRequests = new Counter({
    name: "analytics_request_total",
    help: "Requests on the product area's own port",
    labelNames: ["method", "endpoint", "http_status"],
    registers,
  });
  const productLatency = new Histogram({
    name: "analytics_request_latency_seconds",
    help: "Time to answer on the product area's own port",
    labelNames: ["endpoint"],
    buckets: LATENCY_BUCKETS,
    registers,
  });
  const upstream = new Histogram({
    name: "crowsnest_upstream_duration_seconds",
    help: "Time of calls to upstream services, waiting for a slot included, by service and outcome",
    labelNames: ["service", "outcome"],
    buckets: LATENCY_BUCKETS,
    registers,
  });
  // Counted here and told when somebody looks: an answer may read it a hundred times.
  const cacheReads: Record<CacheOutcome, number> = {
    ...{ hit: 0, stale: 0, miss: 0, bypass: 0, joined: 0, shared: 0 },
    stale_on_error: 0,
  };
  new Counter({
    name: "crowsnest_cache_reads_total",
    help: "Reads of the shared cache by outcome",
    labelNames: ["outcome"],
    registers,
    collect() {
      this.reset();
      for (const [outcome, reads] of Object.entries(cacheReads)) this.inc({ outcome }, reads);
    },
  });
  const sealed = new Counter({ name: "crowsnest_audit_entries_total", help: "Audit entries written", registers });
  const events = new Counter({
    name: "crowsnest_events_total",
    help: "Messages received from sources by shape and outcome: taken, set_aside (dead letters), refused",
    labelNames: ["shape", "outcome"],
    registers,
  });
  const stored = new Counter({
    name: "crowsnest_events_stored_total",
    help: "Events moved from the spool to the store by outcome: stored, duplicate",
    labelNames: ["outcome"],
    registers,
  });
  const fromSources = new Counter({
    name: "crowsnest_source_messages_total",
    help: "Messages from Kafka and Redis by outcome: taken (safely on disk), dropped (pub/sub only), unpublished (dead letters kept here alone)",
    labelNames: ["source", "outcome"],
    registers,
  });
  const restarts = new Counter({
    name: "crowsnest_source_restarts_total",
    help: "Times that a source had to be connected anew",
    labelNames: ["source"],
    registers,
  });
  const storing = new Histogram({
    name: "crowsnest_events_store_duration_seconds",
    help: "Time to move one batch of spool segments to the store",
    buckets: LATENCY_BUCKETS,
    registers,
  });
  const tell = cluster.isWorker ? metricsOfAll(registry) : () => registry.metrics();
  const breakers = new Map<string, () => keyof typeof BREAKER_LEVEL>();
  new Gauge({
    name: "crowsnest_breaker_state",
    help: "Circuit breaker per upstream service: 0 closed, 1 half-open, 2 open",
    labelNames: ["service"],
    aggregator: "max",
    registers,
    collect() {
      for (const [service, state] of breakers) this.set({ service }, BREAKER_LEVEL[state()]);
    },
  });
  return {
    request(operation, status, seconds) {
      const key = `${status} ${operation}`;
      let own = ofOperations.get(key);
      if (!own) {
        own = requests.labels({ operation, status });
        ofOperations.set(key, own);
      }
      own.observe(seconds);
    },
    productRequest(method, endpoint, http_status, seconds) {
      productRequests.inc({ method, endpoint, http_status });
      productLatency.observe({ endpoint }, seconds);
    },
    upstreamCall: (service, outcome, seconds) => upstream.observe({ service, outcome }, seconds),
    cacheRead(outcome) {
      cacheReads[outcome] += 1;
    },
    auditSealed: (entries) => sealed.inc(entries),
    eventsTaken: (shape, count) => events.inc({ shape, outcome: "taken" }, count),
    eventsSetAside: (shape, count) => events.inc({ shape, outcome: "set_aside" }, count),
    eventsRefused: (shape, count) => events.inc({ shape, outcome: "refused" }, count),
    sourceMessages: (source, outcome, count) => fromSources.inc({ source, outcome }, count),
    sourceRestarted: (source) => restarts.inc({ source }),
    eventsStored(fresh, duplicates, seconds) {
      stored.inc({ outcome: "stored" }, fresh);
      stored.inc({ outcome: "duplicate" }, duplicates);
      storing.observe(seconds);
    },
    watchBreaker: (service, state) => breakers.set(service, state),
    watchGauge(name, help, read) {
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(read());
        },
      });
    },
    watchGauges(name, help, label, read) {
      new Gauge({
        name,
        help,
        labelNames: [label],
        registers,
        collect() {
          this.reset();
          for (const [value, level] of read()) this.set({ [label]: value }, level);
        },
      });
    },
    expose: async () => ({ contentType: registry.contentType, text: await tell() }),
  };
}
