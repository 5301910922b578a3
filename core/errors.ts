/**
 * The one table of what can go wrong in public: code → HTTP status and title. REST, SOAP faults, pages and
 * docs/errors.md all take it from here; a test holds the page equal to this table.
 */
export const ERRORS = {
  request_malformed: {
    status: 400,
    title: "The request can't be read",
    mend: "Send valid JSON or XML in UTF-8, with the Content-Type that says which.",
  },
  field_invalid: {
    status: 422,
    title: "A field has a value that isn't allowed",
    mend: "See errors[]: each entry names the field and its rule.",
  },
  amount_invalid: {
    status: 422,
    title: "The amount isn't a positive whole number of rappen",
    mend: "Send CHF 9.90 as 990.",
  },
  amount_too_small: {
    status: 422,
    title: "The shortest possible call would cost more than the amount",
    mend: "Ask more, or use a number with a lower price or with code entry before answer.",
  },
  amount_unreachable: {
    status: 422,
    title: "No number of this merchant can bill this amount",
    mend: "Ask less, or have a number with another tariff allocated.",
  },
  number_unknown: {
    status: 422,
    title: "This Smart Number isn't allocated to the merchant",
    mend: "GET /v1/numbers lists yours.",
  },
  return_url_invalid: {
    status: 422,
    title: "The return URL isn't an allowed http or https address",
    mend: "Use an address of an origin that you registered.",
  },
  currency_unsupported: { status: 422, title: "Only CHF is billed", mend: "Send currency CHF." },
  reference_in_use: {
    status: 409,
    title: "Another open transaction has this reference",
    mend: "Use the open one, or cancel it first.",
  },
  idempotency_key_invalid: {
    status: 422,
    title: "The Idempotency-Key isn't one",
    mend: "Send 1 to 255 printable ASCII characters without blanks, such as a random UUID.",
  },
  idempotency_key_in_use: {
    status: 409,
    title: "A request with this Idempotency-Key is being answered",
    mend: "Send it again in a moment: it gets the first one's answer.",
  },
  idempotency_key_reused: {
    status: 422,
    title: "This Idempotency-Key belongs to a request with another body",
    mend: "Use a new key for a new request, and the same body with the same key.",
  },
  donation_limits: {
    status: 422,
    title: "The amount lies outside the donation's limits",
    mend: "Keep amount and suggestions from minimum to maximum.",
  },
  amount_not_chosen: {
    status: 409,
    title: "The giver hasn't chosen the amount yet",
    mend: "Wait: the pay page asks for it.",
  },
  amount_fixed: {
    status: 409,
    title: "The amount can't be chosen, or not any more",
    mend: "Only a donation's can, before anything was billed.",
  },
  access_unknown: {
    status: 404,
    title: "No transaction has this id or access code",
    mend: "Check it, and that the key belongs to the same merchant and mode. A code opens once its pass is paid.",
  },
  renewal_refused: {
    status: 409,
    title: "This transaction can't be renewed now",
    mend: "Renew a paid pass, so that its access ends at most 62 days from now.",
  },
  renewal_exists: {
    status: 409,
    title: "Another renewal of this pass is open or paid",
    mend: "Use that one (errors[] names it), or cancel it while it is unpaid.",
  },
  api_key_missing: { status: 401, title: "No API key was sent", mend: "Send Authorization: Bearer YOUR_KEY." },
  api_key_invalid: {
    status: 401,
    title: "The API key is unknown or revoked",
    mend: "Check the key, or make a new one.",
  },
  credentials_invalid: {
    status: 401,
    title: "Merchant number, login and password don't belong together",
    mend: "Check all three, or send apiKey instead.",
  },
  transaction_unknown: {
    status: 404,
    title: "There is no such transaction",
    mend: "Check the id and that the key belongs to the same merchant and mode.",
  },
  route_unknown: { status: 404, title: "There is nothing at this address", mend: "See /docs." },
  operation_unknown: {
    status: 404,
    title: "The web service has no such operation",
    mend: "See /webservices/phone2pay.asmx, and let SOAPAction and body name the same one.",
  },
  method_not_allowed: { status: 405, title: "This address doesn't take this method", mend: "See /docs." },
  transaction_not_paid: {
    status: 409,
    title: "The transaction isn't paid",
    mend: "Wait for status paid or confirmed.",
  },
  transaction_already_redeemed: {
    status: 409,
    title: "The transaction was redeemed before",
    mend: "Deliver once: the first redeem won; see redeemedAt.",
  },
  transaction_already_paid: {
    status: 409,
    title: "The transaction is paid already",
    mend: "Nothing to do; see its status.",
  },
  transaction_cancelled: { status: 409, title: "The transaction was cancelled", mend: "Create a new one." },
  transaction_expired: {
    status: 409,
    title: "The time to pay has run out",
    mend: "The shopper can resume it until resumableUntil.",
  },
  transaction_over: { status: 410, title: "The transaction can't be resumed any more", mend: "Create a new one." },
  call_in_progress: {
    status: 409,
    title: "A call is being billed for this transaction",
    mend: "Try again when the call has ended.",
  },
  no_call_in_progress: { status: 409, title: "No call is being billed for this transaction", mend: "Nothing to do." },
  tariff_invalid: {
    status: 422,
    title: "The segments are no tariff",
    mend: "See errors[]: each entry names a segment and what is wrong with it.",
  },
  tariff_date_past: {
    status: 422,
    title: "A tariff can't change in the past",
    mend: "Name a moment that lies ahead, or none for now.",
  },
  number_breaks_profile: {
    status: 422,
    title: "The number breaks rules of its country",
    mend: "See errors[]: each entry names a rule, its figure and its source.",
  },
  test_only: {
    status: 409,
    title: "Only a test transaction's caller can be played",
    mend: "Create the transaction with a key that begins with p2p_test_.",
  },
  play_impossible: {
    status: 409,
    title: "This can't be played in the state that the transaction is in",
    mend: "See the pay page: it says of each play when it is possible.",
  },
  codes_exhausted: { status: 503, title: "All codes of this number are in use", mend: "Try again in a few minutes." },
  webhook_url_invalid: {
    status: 422,
    title: "Webhooks may not go to this address",
    mend: "Use an https address that the public Internet reaches.",
  },
  webhook_endpoint_unknown: {
    status: 404,
    title: "There is no such webhook endpoint",
    mend: "Check the id and that the key belongs to the same merchant and mode.",
  },
  webhook_delivery_unknown: {
    status: 404,
    title: "The endpoint has no such delivery",
    mend: "GET …/deliveries lists them; they are kept for 30 days.",
  },
  webhook_endpoints_exhausted: {
    status: 409,
    title: "There are ten webhook endpoints already",
    mend: "Delete one first.",
  },
  webhook_endpoint_disabled: {
    status: 409,
    title: "The webhook endpoint is disabled",
    mend: "Enable it first, with PATCH and disabled: false.",
  },
  not_acceptable: {
    status: 406,
    title: "The answer can't be given in the format asked for",
    mend: "Send Accept: application/json or application/xml, or no Accept at all.",
  },
  body_too_large: { status: 413, title: "The request is too large", mend: "Stay under 64 KiB." },
  media_type_unsupported: {
    status: 415,
    title: "This content type isn't understood",
    mend: "Send application/json or application/xml; old-style web services say on their page what they read.",
  },
  encoding_unsupported: {
    status: 415,
    title: "This character encoding isn't understood",
    mend: "Send UTF-8, and name no other encoding in Content-Type or in the XML declaration.",
  },
  too_many_requests: { status: 429, title: "Too many requests", mend: "Wait as long as Retry-After says." },
  service_unavailable: {
    status: 503,
    title: "The service can't answer right now",
    mend: "Try again soon; nothing was changed.",
  },
  internal_error: {
    status: 500,
    title: "Something went wrong on our side",
    mend: "Try again; quote the requestId if it persists.",
  },
} as const satisfies Readonly<
  Record<string, { readonly status: number; readonly title: string; readonly mend: string }>
>;

export type ErrorCode = keyof typeof ERRORS;

/** One field that broke a rule; `path` is a JSON pointer into the request. */
export interface FieldError {
  readonly path: string;
  readonly message: string;
}

/** An expected refusal at a surface's edge; everything below returns refusals as values. */
export class PublicError extends Error {
  readonly code: ErrorCode;
  readonly fields: readonly FieldError[];
  constructor(
    code: ErrorCode,
    detail?: string,
    options: { readonly fields?: readonly FieldError[]; readonly cause?: unknown } = {},
  ) {
    super(detail ?? ERRORS[code].title, { cause: options.cause });
    this.name = "PublicError";
    this.code = code;
    this.fields = options.fields ?? [];
  }
  get status(): number {
    return ERRORS[this.code].status;
  }
}
