// One order. While it waits for its payment: the time left, the way to the pay page, another attempt, cancelling; the
// page asks every 2 seconds how it stands. Billing sends the shopper back here (its `returnUrl`).

import { cancelOrder, getOrder, retryPayment } from "./api.js";
import { refillCart } from "./cart.js";
import { showTimeLeft, stopCountdown } from "./countdown.js";
import { announce, byId, clearProblem, element, showProblem, whileBusy } from "./dom.js";
import { moment, money, setTitle, t } from "./i18n.js";
import { showOrderNotFound } from "./order-not-found.js";
import { fulfilmentParts, storyRows } from "./order-story.js";
import { keepTokenFromAddress, orderToken, tokenForLink } from "./order-tokens.js";
import { cartPath, invoicePath, isWebAddress } from "./paths.js";
import { fullName, nameAndAddress } from "./postal-address.js";
import { explain } from "./refusals.js";
import { miniLines, refundedRow, summaryRows } from "./totals.js";

const POLL_MS = 2000;
const POLL_AFTER_TROUBLE_MS = 6000;
const container = byId("order");
const orderId = container.dataset.order;
let order = null;
let shownStatus = null;
let shownStory = null;
let pollTimer = null;

// Asking --------------------------------------------------------------------------------------------------------------

async function refresh() {
  clearTimeout(pollTimer);
  let pause = POLL_MS;
  try {
    order = await getOrder(orderId, orderToken(orderId));
    clearProblem();
    show();
  } catch (error) {
    if (error.code === "NOT_FOUND") return showNotFound();
    pause = Math.max(POLL_AFTER_TROUBLE_MS, (error.retryAfter ?? 0) * 1000);
    showProblem(explain(error), { focus: false });
  }
  // A closed order changes no more. A hidden tab does not ask; it catches up when it is seen again.
  if (!document.hidden && (order === null || order.status === "pending")) pollTimer = setTimeout(refresh, pause);
  return undefined;
}

/** Also an order that could be seen a moment ago: whoever logged out in another tab leaves nothing here. */
function showNotFound() {
  stopCountdown();
  container.hidden = true;
  showOrderNotFound();
  byId("problem").prepend(element("h1", {}, t("titleOrder"))); // the page's own is hidden with the order
}

// Showing -------------------------------------------------------------------------------------------------------------

function show() {
  if (order.status !== shownStatus) showStatus();
  if (order.status === "pending") showPayment();
  showStory();
  container.hidden = false;
  container.setAttribute("aria-busy", "false");
}

/** What changes with the status only. If it changed before the shopper's eyes, it is said, and the focus is not lost. */
function showStatus() {
  const before = shownStatus;
  shownStatus = order.status;
  const outcome = order.paymentStatus === "refunded" ? "refunded" : order.status;
  container.dataset.status = outcome;
  byId("order-number").textContent = order.number;
  setTitle(t("titleOrderNumber", { number: order.number }));
  byId("order-title").textContent = t(`orderTitle_${outcome}`);
  byId("order-lead").textContent = lead();
  showContents();
  showPaid();
  const pending = order.status === "pending";
  byId("pay").hidden = !pending;
  byId("again").hidden = !["failed", "expired", "cancelled"].includes(order.status);
  byId("again-text").textContent = t("orderAgainText");
  if (pending || before === null) return;
  stopCountdown();
  announce(byId("order-title").textContent);
  byId("order-title").focus();
}

function lead() {
  const values = { email: order.email, when: order.paidAt ? moment(order.paidAt) : "", placed: moment(order.placedAt) };
  return t(`orderLead_${order.status}`, values);
}

function showContents() {
  byId("order-items").replaceChildren(...miniLines(order.items, order.summary.currency));
  const { summary, couponCode, shippingMethod, refundedAmount } = order;
  const rows = [...summaryRows(summary, { couponCode, shippingMethod }), refundedRow(refundedAmount, summary.currency)];
  byId("order-summary").replaceChildren(...rows.filter(Boolean));
  byId("delivery").hidden = false;
  byId("order-address").replaceChildren(...nameAndAddress(fullName(order), order.addresses.shipping));
  byId("order-email").textContent = order.email;
}

/** What only a paid order has: its invoice, what was sent back of it, and a parcel. */
function showPaid() {
  const paid = order.status === "success";
  byId("paid").hidden = byId("fulfilment").hidden = !paid;
  if (!paid) return;
  const back = Number(order.refundedAmount) > 0;
  byId("order-refund").hidden = !back;
  if (back) byId("order-refund").textContent = t("orderRefunded", { amount: money(order.refundedAmount, order.summary.currency) });
  byId("invoice-link").href = invoicePath(orderId) + tokenForLink(orderId);
  byId("fulfilment").replaceChildren(...fulfilmentParts(order));
}

/** Written anew only when there is something new: somebody may be reading here. */
function showStory() {
  const story = JSON.stringify([order.history, order.attempts.map(({ status }) => status)]);
  if (story === shownStory) return;
  shownStory = story;
  byId("story-rows").replaceChildren(...storyRows(order));
}

/** The open attempt may still be paid; a declined one makes room for the next, as long as time and attempts last. */
function showPayment() {
  const { session, attempts } = order;
  const open = attempts.find(({ status, paymentUrl }) => status === "open" && isWebAddress(paymentUrl));
  const active = session.status === "active" && session.remainingSeconds > 0;
  const focused = document.activeElement;
  byId("pay-now").hidden = !(open && active);
  if (open) byId("pay-now").href = open.paymentUrl;
  byId("retry").hidden = Boolean(open) || !active || !session.canRetry;
  setText("retry", t(attempts.length ? "tryAgain" : "payNow"));
  byId("cancel").hidden = !active;
  setText("pay-state", t(paymentState(open, active, attempts)));
  setText("attempts-left", t("attemptsLeft", { count: session.remainingAttempts, max: session.maxPaymentAttempts }));
  showTimeLeft(session, refresh);
  if (focused.hidden) keepFocus();
}

/** The button that had the focus is gone: what takes its place has it now. */
function keepFocus() {
  const next = byId("pay-now").hidden ? byId("pay-title") : byId("pay-now");
  next.focus();
}

function paymentState(open, active, attempts) {
  if (!active) return "payState_over";
  if (open) return "payState_open";
  return attempts.some(({ status }) => status === "failure") ? "payState_declined" : "payState_none";
}

/** Writes only what has changed: a screen reader may be reading here. */
function setText(id, text) {
  if (byId(id).textContent !== text) byId(id).textContent = text;
}

// Acting --------------------------------------------------------------------------------------------------------------

/** Runs an action on the order. A refusal is said beside the buttons; the order is read again, for it has changed. */
async function act(button, work) {
  await whileBusy(button, async () => {
    setText("pay-error", "");
    try {
      await work();
    } catch (error) {
      // The attempt before is still open (in another tab, or refreshed too late): that one is to be paid.
      if (error.code === "PAYMENT_IN_PROGRESS" && isWebAddress(error.details.paymentUrl)) {
        return location.assign(error.details.paymentUrl);
      }
      setText("pay-error", explain(error));
      await refresh();
    }
    return undefined;
  });
}

byId("retry").addEventListener("click", ({ currentTarget }) => act(currentTarget, async () => {
  const { paymentUrl } = await retryPayment(orderId, orderToken(orderId));
  if (isWebAddress(paymentUrl)) location.assign(paymentUrl);
}));

byId("cancel").addEventListener("click", () => byId("cancel-dialog").showModal());

byId("cancel-dialog").addEventListener("close", ({ currentTarget }) => {
  if (currentTarget.returnValue !== "cancel") return;
  currentTarget.returnValue = "";
  act(byId("cancel"), async () => {
    await cancelOrder(orderId, orderToken(orderId));
    await refresh();
  });
});

byId("order-again").addEventListener("click", () => {
  refillCart(order.items, order.summary.currency);
  location.assign(cartPath);
});

document.addEventListener("visibilitychange", () => {
  if (!document.hidden && order?.status === "pending") refresh();
});
window.addEventListener("pageshow", (event) => event.persisted && refresh());
window.addEventListener("hashchange", () => {
  keepTokenFromAddress(orderId);
  refresh();
});

keepTokenFromAddress(orderId);
refresh();
