import { PublicError } from "../base/errors.js";

export const SERVICE_NAMES = ["ingestion", "health", "agent", "alert", "scheduling", "warranty"] as const;
export type ServiceName = (typeof SERVICE_NAMES)[number];

/** `ingestion-service`: how a service is named in warnings. */
export function sourceName(service: ServiceName): string {
  return `${service}-service`;
}

type UpstreamCode = "UPSTREAM_TIMEOUT" | "UPSTREAM_UNAVAILABLE" | "UPSTREAM_MALFORMED";

/** A call to an upstream service failed. `reason` is short and stable enough to be shown as a warning. */
export class UpstreamError extends PublicError {
  override name = "UpstreamError";
  constructor(
    code: UpstreamCode,
    readonly service: ServiceName,
    readonly reason: string,
    /** Worth one more try: the service may not have seen the call, or said that it is briefly unavailable. */
    readonly retryable: boolean = false,
    options?: ErrorOptions,
  ) {
    super(code, `${sourceName(service)}: ${reason}`, { service: sourceName(service) }, options);
  }
}

/** The client would not wait any longer: says nothing about the service. */
export class ImpatientRequest extends UpstreamError {
  constructor(service: ServiceName, options?: ErrorOptions) {
    super("UPSTREAM_TIMEOUT", service, "no answer within the request's deadline", false, options);
  }
}

/** The service understood the call and refused it: 4xx other than 404. Says nothing about the service's health. */
export class UpstreamRefusal extends PublicError {
  override name = "UpstreamRefusal";
  constructor(
    readonly service: ServiceName,
    readonly status: number,
    readonly reason: string,
  ) {
    super("UPSTREAM_UNAVAILABLE", `${sourceName(service)} refused with ${status}: ${reason}`, {
      service: sourceName(service),
    });
  }
}
