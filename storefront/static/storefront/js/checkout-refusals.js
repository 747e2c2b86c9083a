// What each refusal means at checkout, and the next step it offers. `page` is what the page can do about it: the checkout
// page, or the cart, from which a checkout is opened.

import { removeFromCart } from "./cart.js";
import { forgetCheckout, refusedLines, takeWhatIsLeft } from "./checkout-session.js";
import { showProblem } from "./dom.js";
import { money, t } from "./i18n.js";
import { ownOrderActions, ownOrderText } from "./own-order.js";
import { cartPath, orderPath } from "./paths.js";
import { explain, fieldErrors, shortages } from "./refusals.js";

const editCart = () => location.pathname !== cartPath && { label: t("editCart"), href: cartPath };

function startAgain() {
  forgetCheckout();
  location.reload();
}

const refusals = {
  PRICE_CHANGED(error, page) {
    page.showSummary(error.details.summary);
    const total = money(error.details.summary.total, error.details.summary.currency);
    const actions = [{ label: t("orderFor", { total }), run: page.confirm }, editCart()];
    showProblem(t("error_PRICE_CHANGED", { total }), { actions });
  },

  OUT_OF_STOCK(error, page, again) {
    const takeLeft = () => {
      takeWhatIsLeft(error);
      location.reload(); // the checkout is brought up to date with the cart when the page opens
    };
    const waiting = error.details.pendingOrder; // the shopper's own unpaid order may be what holds the pieces
    const ways = waiting ? ownOrderActions(waiting, again) : [];
    const actions = [...ways, { label: t("takeWhatIsLeft"), run: takeLeft }, editCart()];
    const text = waiting ? ownOrderText(waiting) : t("error_OUT_OF_STOCK");
    showProblem(text, { actions, details: shortages(error) });
  },

  INVALID_INPUT(error, page) {
    const lines = refusedLines(error);
    if (lines.length) return showUnsold(lines);
    if (page.showFieldErrors(fieldErrors(error))) return undefined;
    return showProblem(explain(error), { details: Object.values(error.details).flat() });
  },

  async CHECKOUT_CLOSED(error, page) {
    const orderId = error.details.orderId ?? (await page.findOrder());
    const toOrder = orderId && { label: t("toOrder"), href: orderPath(orderId) };
    showProblem(t("error_CHECKOUT_CLOSED"), { actions: [toOrder || { label: t("startAgain"), run: startAgain }] });
  },

  CHECKOUT_INCOMPLETE(error, page) {
    if (!page.showFieldErrors(error.details)) page.openStep("address");
    showProblem(explain(error), { focus: false });
  },
};

const expired = (error) => showProblem(explain(error), { actions: [{ label: t("startAgain"), run: startAgain }, editCart()] });
refusals.SESSION_EXPIRED = refusals.SESSION_NOT_ACTIVE = expired;
refusals.NOT_FOUND = () => showProblem(t("error_CHECKOUT_GONE"), { actions: [{ label: t("startAgain"), run: startAgain }, editCart()] });

function showUnsold(lines) {
  const remove = () => {
    for (const { productId } of lines) removeFromCart(productId);
    location.reload();
  };
  const actions = [{ label: t("removeThem"), run: remove }, editCart()];
  showProblem(t("notSold"), { actions, details: lines.map(({ name }) => name) });
}

/** Says what happened. `again` repeats what was refused, where that may help. */
export function showRefusal(error, page, again) {
  const known = refusals[error.code];
  if (known) return known(error, page, again);
  if (error.code.startsWith("COUPON_")) {
    const text = explain(error, { currency: page.currency() });
    return showProblem(text, { actions: [{ label: t("withoutCoupon"), run: page.removeCoupon }] });
  }
  return showProblem(explain(error), { actions: again ? [{ label: t("tryAgain"), run: again }] : [] });
}
