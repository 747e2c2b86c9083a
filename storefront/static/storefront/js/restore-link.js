// The link of a reminder: /shop/cart#restore=token. No server is sent what stands behind the #. The API opens a new
// checkout with that cart at today's prices, in whatever browser this is, and names what can no longer be had.

import { ApiError, restoreCheckout } from "./api.js";
import { cartItems, refillCart } from "./cart.js";
import { adoptCheckout } from "./checkout-session.js";
import { clearProblem, showProblem } from "./dom.js";
import { t } from "./i18n.js";
import { checkoutPath, productsPath } from "./paths.js";
import { explain, fieldErrors, shortages } from "./refusals.js";

const MARK = "#restore=";

/** The token of the address, which is taken out of it at once. */
export function takeRestoreToken() {
  if (!location.hash.startsWith(MARK)) return null;
  const token = decodeURIComponent(location.hash.slice(MARK.length));
  // Without the tracker, which watches history.replaceState: no page was turned.
  History.prototype.replaceState.call(history, null, "", location.pathname + location.search);
  return token;
}

/** Fills the cart and goes on to checkout; stays to say it if something is missing. What is in the cart already stays. */
export async function restoreCart(token) {
  try {
    clearProblem();
    const checkout = await restoreCheckout(token);
    const asItCame = cartItems().length === 0;
    refillCart(checkout.items, checkout.summary.currency);
    adoptCheckout(checkout.checkoutId, asItCame ? cartItems() : checkout.items);
    if (checkout.missing.length === 0 && checkout.couponLost === null) location.assign(checkoutPath);
    else showMissing(checkout);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    showRestoreRefusal(error, () => restoreCart(token));
  }
}

function showMissing({ missing, couponLost }) {
  const details = shortages({ details: { items: missing } });
  if (couponLost) details.push(t("couponLost", { code: couponLost }));
  showProblem(t("restoredInPart"), { details, actions: [{ label: t("toCheckout"), href: checkoutPath }] });
}

function showRestoreRefusal(error, again) {
  const shop = { label: t("goShopping"), href: productsPath };
  if (fieldErrors(error).token) return showProblem(t("restoreOver"), { actions: [shop] });
  if (error.code === "OUT_OF_STOCK") return showProblem(t("restoreNothing"), { actions: [shop], details: shortages(error) });
  return showProblem(explain(error), { actions: [{ label: t("tryAgain"), run: again }] });
}
