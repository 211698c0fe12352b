import { z } from "zod";
import { type Alert, SEVERITIES, type Severity } from "../../domain/fleet/records.js";
import { id, instant, listOf, optional, text } from "../shapes.js";

const severity = z
  .string()
  .transform((word) => word.toUpperCase())
  .pipe(z.enum(SEVERITIES)) as z.ZodType<Severity>;

const recipient = z
  .object({
    user_id: id,
    channels: listOf(text),
    delivery_status: z.record(z.string(), text).nullish(),
  })
  .transform((r) => ({ userId: r.user_id, channels: r.channels ?? [], deliveryStatus: r.delivery_status ?? {} }));

export const alertShape = z
  .object({
    alert_id: id,
    vehicle_id: id,
    severity,
    title: text,
    message: optional(text),
    created_at: instant,
    acknowledged_at: optional(instant),
    resolved_at: optional(instant),
    recipients: listOf(recipient),
    metadata: z.record(z.string(), z.unknown()).nullish(),
  })
  .transform((a): Alert => {
    const component = a.metadata?.component;
    return {
      id: a.alert_id,
      vehicleId: a.vehicle_id,
      severity: a.severity,
      title: a.title,
      message: a.message ?? null,
      createdAt: a.created_at,
      acknowledgedAt: a.acknowledged_at ?? null,
      resolvedAt: a.resolved_at ?? null,
      component: typeof component === "string" ? component : null,
      recipients: a.recipients ?? [],
      metadata: a.metadata ?? {},
    };
  });
