import type { Logger } from "../../ops/logs.js";
import type { Metrics } from "../../ops/metrics.js";
import type { Intake } from "../intake.js";
import { SHAPES, type Shape } from "../shapes/index.js";
import type { KafkaServers } from "./kafka-connection.js";
import type { EventSource, SourceMetrics } from "./source.js";

export type { EventSource, SourceMetrics, SourceState, SourceStatus } from "./source.js";

/** Topics of ride events. */
export const RIDE_TOPICS: readonly string[] = [
  "openride.events.user",
  "openride.events.booking",
  "openride.events.payment",
  "openride.events.trip",
  "openride.events.route",
  "openride.events.location",
  "openride.events.search",
];

/** One stream per type of fleet event, called like the type. */
export const FLEET_STREAMS: readonly string[] = [
  "vehicle.telemetry.received",
  "vehicle.telemetry.validation_failed",
  "vehicle.health.computed",
  "vehicle.health.changed",
  "component.degraded",
  "component.critical",
  "agent.decision.made",
  "agent.escalation",
  "agent.recommendation",
  "alert.created",
  "alert.acknowledged",
  "alert.resolved",
  "alert.escalated",
  "appointment.scheduled",
  "appointment.cancelled",
  "appointment.reminder",
  "technician.assigned",
  "warranty.claim.submitted",
  "warranty.claim.validated",
  "warranty.claim.rejected",
  "warranty.fraud.detected",
  "analytics.report.generated",
  "analytics.threshold.exceeded",
];

/** Channels of the ticket platform. */
export const BOOKING_CHANNELS: readonly string[] = [
  "evently:events:created",
  "evently:events:updated",
  "evently:events:deleted",
  "evently:bookings:created",
  "evently:bookings:confirmed",
  "evently:bookings:cancelled",
  "evently:bookings:expired",
  "evently:bookings:payment_completed",
  "evently:bookings:waitlist_joined",
  "evently:bookings:waitlist_cancelled",
  "evently:bookings:waitlist_notifications_sent",
  "evently:bookings:waitlist_availability_updated",
];

export const KAFKA_GROUP = "analytics-service-group";
export const KAFKA_DEAD_LETTERS = "openride.events.dlq";
export const STREAM_GROUP = "analytics-service";

export interface KafkaSettings extends KafkaServers {
  /** None: `RIDE_TOPICS`. */
  readonly topics?: readonly string[] | undefined;
  readonly group?: string | undefined;
  /** Null: dead letters are not published. */
  readonly deadLetterTopic?: string | null | undefined;
  /** When a member that is not heard of loses its partitions; 30 s when not set. */
  readonly sessionTimeoutMs?: number | undefined;
  /** How messages are written: as ride events when not set. */
  readonly shape?: Shape | undefined;
}

export interface RedisStreamsSettings {
  readonly url: string;
  /** Names, or `prefix*`. None: `FLEET_STREAMS`. */
  readonly streams?: readonly string[] | undefined;
  readonly group?: string | undefined;
  /** Must differ between replicas; by host and process when not set. */
  readonly consumer?: string | undefined;
  /** How entries are written: as fleet events when not set. */
  readonly shape?: Shape | undefined;
}

export interface RedisPubsubSettings {
  readonly url: string;
  /** None: `BOOKING_CHANNELS`. */
  readonly channels?: readonly string[] | undefined;
  /** How messages are written: as the ticket platform writes them when not set. */
  readonly shape?: Shape | undefined;
}

/** What is not there, or null, is not listened to. */
export interface SourcesOptions {
  /** Whose events these are. */
  readonly tenant: string;
  readonly intake: Pick<Intake, "accept">;
  readonly metrics: SourceMetrics & Pick<Metrics, "watchGauges">;
  readonly log: Logger;
  readonly kafka?: KafkaSettings | null | undefined;
  readonly redisStreams?: RedisStreamsSettings | null | undefined;
  readonly redisPubsub?: RedisPubsubSettings | null | undefined;
}

/**
 * The sources that are asked for, not started yet. The clients of the others are not even loaded.
 * @throws Error when Kafka's servers cannot be read
 */
export async function createSources(options: SourcesOptions): Promise<EventSource[]> {
  const { tenant, intake, metrics, log, kafka, redisStreams, redisPubsub } = options;
  const shared = { tenant, intake, metrics, log };
  const sources: (EventSource & { lags(): Iterable<readonly [place: string, lag: number]> })[] = [];
  if (kafka) {
    const { KafkaSource } = await import("./kafka.js");
    sources.push(
      new KafkaSource({
        ...shared,
        ...kafka,
        shape: kafka.shape ?? SHAPES.rides,
        topics: orDefault(kafka.topics, RIDE_TOPICS),
        group: kafka.group ?? KAFKA_GROUP,
        deadLetterTopic: kafka.deadLetterTopic === undefined ? KAFKA_DEAD_LETTERS : kafka.deadLetterTopic,
      }),
    );
  }
  if (redisStreams) {
    const { RedisStreamsSource } = await import("./redis-streams.js");
    sources.push(
      new RedisStreamsSource({
        ...shared,
        ...redisStreams,
        shape: redisStreams.shape ?? SHAPES.fleet,
        streams: orDefault(redisStreams.streams, FLEET_STREAMS),
        group: redisStreams.group ?? STREAM_GROUP,
      }),
    );
  }
  if (redisPubsub) {
    const { RedisPubsubSource } = await import("./redis-pubsub.js");
    sources.push(
      new RedisPubsubSource({
        ...shared,
        ...redisPubsub,
        shape: redisPubsub.shape ?? SHAPES.bookings,
        channels: orDefault(redisPubsub.channels, BOOKING_CHANNELS),
      }),
    );
  }
  metrics.watchGauges(
    "crowsnest_source_lag",
    "Messages that wait to be taken in, by source and topic or stream",
    "source",
    function* () {
      for (const { name, lags } of sources.map((source) => ({ name: source.name, lags: source.lags() }))) {
        for (const [place, lag] of lags) yield [place === "" ? name : `${name}:${place}`, lag] as const;
      }
    },
  );
  return sources;
}

/** A list that is there but empty is one that nobody has set. */
function orDefault(list: readonly string[] | undefined, byDefault: readonly string[]): readonly string[] {
  return list && list.length > 0 ? list : byDefault;
}
