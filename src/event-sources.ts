import type { Config } from "./config.js";
import { DEFAULT_TENANT } from "./domain/access/scope.js";
import { createSources, type EventEngine, type EventSource } from "./events/index.js";
import type { Logger } from "./ops/logs.js";
import type { Metrics } from "./ops/metrics.js";

/** The sources beside HTTP that the configuration turns on, not started yet. */
export function eventSources(
  config: Config,
  events: EventEngine,
  metrics: Metrics,
  log: Logger,
): Promise<EventSource[]> {
  const { EVENT_SOURCES: names, KAFKA_BOOTSTRAP_SERVERS: servers, REDIS_URL: url } = config;
  return createSources({
    tenant: DEFAULT_TENANT,
    intake: events.intake,
    metrics,
    log,
    kafka: servers
      ? {
          servers,
          topics: config.KAFKA_TOPICS,
          group: config.KAFKA_GROUP_ID,
          sessionTimeoutMs: config.KAFKA_SESSION_TIMEOUT_MS,
          deadLetterTopic: config.KAFKA_TOPIC_DLQ || null,
        }
      : null,
    redisStreams:
      url && names.includes("redis-streams")
        ? {
            url,
            streams: config.REDIS_STREAMS,
            group: config.REDIS_STREAM_GROUP,
            consumer: config.REDIS_STREAM_CONSUMER,
          }
        : null,
    redisPubsub: url && names.includes("redis-pubsub") ? { url, channels: config.REDIS_CHANNELS } : null,
  });
}
