// Every call that this shop makes. Nothing here is private to the demo: copy the file, change API, and it is yours.
//
// Who is asking: the API answers the first request with the cookie `visitor_session` (HttpOnly, SameSite=Lax), and the
// browser sends it back by itself. That is all a guest needs; there is no key and no login.

import { language } from "./i18n.js";

const API = "/api/v1";
const TIMEOUT_MS = 30_000;

/** A refusal. `code` is stable (`OUT_OF_STOCK`), `message` is for people, `details` names fields or says more. */
export class ApiError extends Error {
  constructor(status, body, retryAfter) {
    super(body.message ?? "");
    this.status = status;
    this.code = body.error ?? "INTERNAL_ERROR";
    this.details = body.details ?? {};
    this.requestId = body.requestId;
    /** Seconds, with RATE_LIMITED. */
    this.retryAfter = retryAfter;
  }

  /** True when nobody knows whether the request was carried out: send the same again, with the same key. */
  get isUncertain() {
    return this.code === "NETWORK" || (this.status >= 500 && this.code !== "BILLING_UNAVAILABLE");
  }
}

async function call(method, path, { body, headers = {} } = {}) {
  const options = { method, credentials: "same-origin", signal: AbortSignal.timeout(TIMEOUT_MS) };
  options.headers = { Accept: "application/json", "Accept-Language": language, ...headers };
  if (body !== undefined) {
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  // A guest needs no CSRF token. Somebody who is logged in does, and then has this cookie.
  const csrf = document.cookie.match(/(?:^|; )(?:__Host-)?csrftoken=([^;]+)/);
  if (csrf && method !== "GET") options.headers["X-CSRFToken"] = csrf[1];
  try {
    const response = await fetch(API + path, options);
    const answer = await response.json();
    if (answer.success) return answer.data;
    throw new ApiError(response.status, answer, Number(response.headers.get("Retry-After")) || 0);
  } catch (error) {
    if (error instanceof ApiError) throw error;
    throw new ApiError(0, { error: "NETWORK" }); // no connection, no answer in time, or not an answer of the API
  }
}

const query = (parameters) => {
  const filled = Object.entries(parameters).filter(([, value]) => value);
  return filled.length ? `?${new URLSearchParams(filled)}` : "";
};

// Products ------------------------------------------------------------------------------------------------------------

/** `{ items, next }`. Hand `next` back as `cursor` for the following page; null means that this was the last. */
export const listProducts = (filters) => call("GET", `/storefront/products${query(filters)}`);

/** One product by slug or id. `available` is the pieces left, or null where stock is not counted. */
export const getProduct = (slugOrId) => call("GET", `/storefront/products/${encodeURIComponent(slugOrId)}`);

// Consent -------------------------------------------------------------------------------------------------------------

/** Whether this visitor may be recognised on the next visit: `{ analytics }`. */
export const getConsent = () => call("GET", "/storefront/session/consent");

/** Records the choice, with its time and the version of the policy. It can be changed at any time. */
export const putConsent = (analytics) => call("PUT", "/storefront/session/consent", { body: { analytics } });

// Checkout ------------------------------------------------------------------------------------------------------------
// Prices and totals come from the server in every answer. The browser never adds up what will be paid.

/** Opens a checkout for `[{ productId, quantity }]`. It lives for 30 minutes after its last change. */
export const initiateCheckout = (cartItems) => call("POST", "/checkout/initiate", { body: { cartItems } });

/** The checkout as it stands: after a reload, go on where the shopper was. */
export const getCheckout = (checkoutId) => call("GET", `/checkout/${checkoutId}`);

/** Replaces the lines, when the cart has changed since the checkout was opened. */
export const replaceItems = (checkoutId, cartItems) =>
  call("PATCH", `/checkout/${checkoutId}/items`, { body: { cartItems } });

/** `{ methods, shippingMethodId, summary }`: what serves this address. With a method id it also chooses that one. */
export const calculateShipping = (checkoutId, shippingAddress, shippingMethodId) =>
  call("POST", "/checkout/calculate-shipping", { body: { checkoutId, shippingAddress, shippingMethodId } });

/** The tax for the address that was given before, line by line in `summary.taxLines`. */
export const calculateTax = (checkoutId) => call("POST", "/checkout/calculate-tax", { body: { checkoutId } });

/** Takes a discount code, or refuses: COUPON_INVALID, COUPON_EXPIRED, COUPON_USED_UP, COUPON_MINIMUM_NOT_MET. */
export const applyCoupon = (checkoutId, code) => call("POST", "/checkout/apply-coupon", { body: { checkoutId, code } });

export const removeCoupon = (checkoutId) => call("DELETE", `/checkout/${checkoutId}/coupon`);

/**
 * Places the order: `{ order, session, payment: { attempt, paymentUrl }, orderToken }`. Then send the shopper to `paymentUrl`.
 * The same `idempotencyKey` with the same body gives the same answer and never a second order (see confirm.js).
 */
export const confirmOrder = (body, idempotencyKey) =>
  call("POST", "/checkout/confirm-order", { body, headers: { "Idempotency-Key": idempotencyKey } });

// Orders --------------------------------------------------------------------------------------------------------------
// The visit that placed an order may read it. From anywhere else the token does it: confirm-order gives it once, and
// the links in e-mails carry it behind a `#`. It goes in a header, never into an address.

const tokenHeader = (token) => (token ? { "X-Order-Token": token } : {});

/** The order with items, session (the payment window), attempts and history. */
export const getOrder = (orderId, token) => call("GET", `/orders/${orderId}`, { headers: tokenHeader(token) });

/** Opens the next payment attempt: `{ paymentUrl, remainingAttempts, ... }`. */
export const retryPayment = (orderId, token) =>
  call("POST", `/orders/${orderId}/retry-payment`, { headers: tokenHeader(token) });

/** Cancels an order that is not paid yet. Stock and coupon are given back. */
export const cancelOrder = (orderId, token) =>
  call("POST", `/orders/${orderId}/cancel`, { headers: tokenHeader(token) });
