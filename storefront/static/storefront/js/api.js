// Every call that this shop makes. Nothing here is private to the demo: copy the file, change API, and it is yours.
//
// Who is asking: the API answers the first request with the cookie `visitor_session` (HttpOnly, SameSite=Lax), and the
// browser sends it back by itself. That is all a guest needs; there is no key and no login. Accounts: account-api.js.

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
    /** Seconds to wait, with RATE_LIMITED and sometimes NOT_READY; 0 if nobody said. */
    this.retryAfter = retryAfter;
  }

  /** True when nobody knows whether the request was carried out: send the same again, with the same key. */
  get isUncertain() {
    return this.code === "NETWORK" || (this.status >= 500 && this.code !== "BILLING_UNAVAILABLE");
  }
}

// Guests need no CSRF token. Whoever is logged in shows it with everything that changes something. Each answer about the
// account brings it; on the API's own origin its cookie can be read too, and is up to date in every tab.
let csrfToken = null;
const csrfCookie = () => document.cookie.match(/(?:^|; )(?:__Host-)?csrftoken=([^;]+)/)?.[1];

/** One call of the API: the `data` of its answer. Throws ApiError when it is refused, or when nobody answers. */
export async function call(method, path, options) {
  try {
    return await send(method, path, options);
  } catch (error) {
    if (error.code !== "CSRF_FAILED") throw error;
    // The token is missing or old (a login in another tab). Nothing was done: take the new one and send the same again.
    await send("GET", "/storefront/account");
    return send(method, path, options);
  }
}

async function send(method, path, { body, headers = {} } = {}) {
  const options = { method, credentials: "same-origin", signal: AbortSignal.timeout(TIMEOUT_MS) };
  options.headers = { Accept: "application/json", "Accept-Language": language, ...headers };
  if (body !== undefined) {
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  const token = csrfCookie() ?? csrfToken;
  if (token && method !== "GET") options.headers["X-CSRFToken"] = token;
  const { response, answer } = await answerTo(path, options);
  if (!answer.success) throw new ApiError(response.status, answer, secondsFrom(response.headers.get("Retry-After")));
  csrfToken = answer.data?.csrfToken ?? csrfToken;
  return answer.data;
}

/** The answer as JSON. One that is not the API's (a proxy's page) says no more than its status does. */
async function answerTo(path, options) {
  let response;
  try {
    response = await fetch(API + path, options);
    return { response, answer: await response.json() };
  } catch {
    if (response?.status === 429) return { response, answer: { error: "RATE_LIMITED" } };
    throw new ApiError(0, { error: "NETWORK" }); // no connection, no answer in time, or not an answer of the API
  }
}

/** `Retry-After` in seconds; proxies may send a date. */
function secondsFrom(header) {
  const seconds = Number(header ?? 0);
  return Number.isFinite(seconds) ? seconds : Math.max(Math.ceil((Date.parse(header) - Date.now()) / 1000), 0) || 0;
}

export const query = (parameters) => {
  const filled = Object.entries(parameters).filter(([, value]) => value);
  return filled.length ? `?${new URLSearchParams(filled)}` : "";
};

// Products ------------------------------------------------------------------------------------------------------------

/** `{ items, next }`. Hand `next` back as `cursor` for the following page; null means that this was the last. */
export const listProducts = (filters) => call("GET", `/storefront/products${query(filters)}`);

/** One product by slug or id. `available` is the pieces left, or null where stock is not counted. */
export const getProduct = (slugOrId) => call("GET", `/storefront/products/${encodeURIComponent(slugOrId)}`);

/** `[{ slug, name }]`: the categories that have something for sale, the first 100 of them. */
export const listCategories = async () => (await call("GET", "/storefront/categories")).items;

// Consent -------------------------------------------------------------------------------------------------------------

/** Whether this visitor may be recognised on the next visit: `{ analytics }`. */
export const getConsent = () => call("GET", "/storefront/session/consent");

/** Records the choice, with its time and the version of the policy. It can be changed at any time. */
export const putConsent = (analytics) => call("PUT", "/storefront/session/consent", { body: { analytics } });

// Checkout ------------------------------------------------------------------------------------------------------------
// Prices and totals come from the server in every answer. The browser never adds up what will be paid.

/** Opens a checkout for `[{ productId, quantity }]`. It lives for 30 minutes after its last change. */
export const initiateCheckout = (cartItems) => call("POST", "/checkout/initiate", { body: { cartItems } });

/** A new checkout with the cart that a reminder's link names: `{ ...checkout, missing, couponLost }`. */
export const restoreCheckout = (token) => call("POST", "/checkout/restore", { body: { token } });

/** The checkout as it stands: after a reload, go on where the shopper was. */
export const getCheckout = (checkoutId) => call("GET", `/checkout/${checkoutId}`);

/** Replaces the lines, when the cart has changed since the checkout was opened. */
export const replaceItems = (checkoutId, cartItems) =>
  call("PATCH", `/checkout/${checkoutId}/items`, { body: { cartItems } });

/**
 * `{ methods, shippingMethodId, summary }`: what serves this address. With a method id it also chooses that one.
 * `wish` is `{ remindMe, email }`: whether the shopper wants a mail if they leave without buying. Without it, that stays.
 */
export const calculateShipping = (checkoutId, shippingAddress, shippingMethodId, wish = {}) =>
  call("POST", "/checkout/calculate-shipping", { body: { checkoutId, shippingAddress, shippingMethodId, ...wish } });

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

/** Own orders, newest first: `{ items, next }`. Those of this visit, and of the account when somebody is logged in. */
export const listOrders = (cursor) => call("GET", `/orders${query({ cursor })}`);

/** The order with items, session (the payment window), attempts and history. */
export const getOrder = (orderId, token) => call("GET", `/orders/${orderId}`, { headers: tokenHeader(token) });

/** Opens the next payment attempt: `{ paymentUrl, remainingAttempts, ... }`. */
export const retryPayment = (orderId, token) =>
  call("POST", `/orders/${orderId}/retry-payment`, { headers: tokenHeader(token) });

/** Cancels an order that is not paid yet. Stock and coupon are given back. */
export const cancelOrder = (orderId, token) =>
  call("POST", `/orders/${orderId}/cancel`, { headers: tokenHeader(token) });
