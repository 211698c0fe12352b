import { defineTypes, type Family } from "../define.js";
import { id, integer, money, text, withDefault } from "../fields.js";
import { happened, IDS, paid, RIDES } from "./family.js";

const PAYMENTS: Family = {
  ...RIDES,
  optional: { ...RIDES.optional, currency: withDefault(text("Currency, ISO 4217"), "NGN") },
};

const PAYMENT = { payment_id: IDS.payment_id, booking_id: IDS.booking_id, rider_id: IDS.rider_id };
const AMOUNT = money("Amount of the payment");
const METHOD = text("How the rider pays: card, bank_transfer, ussd, wallet or another way");
const PROVIDER = text("Company that carries the payment out");
const TRANSACTION = id("Id that the provider gave the payment");
const PROCESSING = integer("Time from start to outcome, milliseconds");

const EXAMPLE = { payment_id: "payment-1", booking_id: "booking-1", rider_id: "rider-1" };
const PAID = { amount: "3000.00", currency: "NGN", payment_method: "card", provider: "interswitch" };

/** Ride events about payments. Their amount is that of the payment, of a refund what is paid back. */
export const RIDE_PAYMENT_TYPES = defineTypes(PAYMENTS, [
  {
    name: "payment.initiated",
    description: "A payment was started.",
    required: { ...PAYMENT, amount: AMOUNT, payment_method: METHOD },
    optional: { provider: withDefault(PROVIDER, "interswitch"), provider_transaction_id: TRANSACTION },
    columns: paid("amount"),
    example: { ...happened("payment.initiated", "2024-11-15T06:50:30Z"), ...EXAMPLE, ...PAID },
  },
  {
    name: "payment.success",
    description: "A payment succeeded.",
    required: {
      ...PAYMENT,
      amount: AMOUNT,
      payment_method: METHOD,
      provider: PROVIDER,
      provider_transaction_id: TRANSACTION,
      processing_time_ms: PROCESSING,
    },
    optional: { card_last4: text("Last four digits of the card") },
    columns: paid("amount"),
    example: {
      ...happened("payment.success", "2024-11-15T06:51:00Z"),
      ...EXAMPLE,
      ...PAID,
      provider_transaction_id: "isw-889",
      processing_time_ms: 1840,
      card_last4: "4081",
    },
  },
  {
    name: "payment.failed",
    description: "A payment failed.",
    required: {
      ...PAYMENT,
      amount: AMOUNT,
      payment_method: METHOD,
      provider: PROVIDER,
      error_code: text("Code of the error, as of the provider"),
      error_message: text("Message of the error, as of the provider"),
    },
    optional: { provider_transaction_id: TRANSACTION, processing_time_ms: PROCESSING },
    columns: paid("amount"),
    example: {
      ...happened("payment.failed", "2024-11-15T06:51:00Z"),
      ...EXAMPLE,
      ...PAID,
      error_code: "51",
      error_message: "insufficient funds",
    },
  },
  {
    name: "payment.refunded",
    description: "Money of a payment was paid back.",
    required: {
      ...PAYMENT,
      refund_amount: money("What is paid back"),
      original_amount: money("What had been paid"),
      refund_reason: text("Why"),
    },
    optional: { refunded_by: text("Who paid back"), provider_refund_id: id("Id that the provider gave the refund") },
    columns: paid("refund_amount"),
    personal: ["refunded_by"],
    example: {
      ...happened("payment.refunded", "2024-11-15T09:00:00Z"),
      ...EXAMPLE,
      refund_amount: "1500.00",
      original_amount: "3000.00",
      currency: "NGN",
      refund_reason: "trip cut short",
    },
  },
]);
