// The shopper's own unpaid order, when that is what holds the pieces: pay it, or cancel it and go on here.

import { ApiError, cancelOrder, listOrders } from "./api.js";
import { byId, clearProblem, showProblem } from "./dom.js";
import { clockTime, t } from "./i18n.js";
import { orderToken } from "./order-tokens.js";
import { isWebAddress, orderPath } from "./paths.js";
import { explain } from "./refusals.js";

/** What to say of `{ orderId, number, expiresAt, paymentUrl? }`, as OUT_OF_STOCK names it. */
export const ownOrderText = ({ number, expiresAt }) => t("ownOrderHolds", { number, until: clockTime(expiresAt) });

/** The two ways on. `goOn` runs once the order is cancelled and its pieces are free. */
export function ownOrderActions({ orderId, paymentUrl }, goOn) {
  const toOrder = orderPath(orderId);
  return [
    { label: t("ownOrderPay"), href: isWebAddress(paymentUrl) ? paymentUrl : toOrder },
    { label: t("ownOrderCancel"), run: () => cancelAndGoOn(orderId, goOn) },
  ];
}

async function cancelAndGoOn(orderId, goOn) {
  try {
    await cancelOrder(orderId, orderToken(orderId));
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    // Perhaps it was paid meanwhile: its own page says how it stands.
    return showProblem(explain(error), { actions: [{ label: t("toOrder"), href: orderPath(orderId) }] });
  }
  clearProblem();
  await goOn();
  if (document.activeElement === document.body) byId("content").focus({ preventScroll: true }); // its button is gone
  return undefined;
}

/** An own unpaid order that holds pieces of a product, or null. */
export async function ownOrderWith(productId) {
  try {
    const { items } = await listOrders();
    const holding = items.find(({ status, items: lines, session }) =>
      status === "pending" && session.remainingSeconds > 0 && lines.some((line) => line.productId === productId));
    if (!holding) return null;
    const { orderId, number, session, attempts } = holding;
    return { orderId, number, expiresAt: session.expiresAt, paymentUrl: attempts.find(({ status }) => status === "open")?.paymentUrl };
  } catch {
    return null; // sold out is sold out, also without the reason
  }
}
