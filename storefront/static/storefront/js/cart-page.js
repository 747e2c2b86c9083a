// The cart: quantities, removing, and what it comes to so far. The checkout is opened from here, so that what is short or
// no longer sold is said where it can be changed.

import { ApiError } from "./api.js";
import { cartLines, lineTotal, MAX_QUANTITY, removeFromCart, setQuantity, subtotal } from "./cart.js";
import { showRefusal } from "./checkout-refusals.js";
import { openCheckout, savedCheckoutId } from "./checkout-session.js";
import { unansweredOrder } from "./confirm.js";
import { announce, byId, clearProblem, element, picture, whileBusy } from "./dom.js";
import { money, t } from "./i18n.js";
import { checkoutPath, productPath } from "./paths.js";
import { restoreCart, takeRestoreToken } from "./restore-link.js";

function show() {
  const lines = cartLines();
  byId("cart-empty").hidden = lines.length > 0;
  byId("cart-full").hidden = lines.length === 0;
  byId("cart-lines").replaceChildren(...lines.map(lineElement));
  showSubtotal(lines);
}

function showSubtotal(lines) {
  if (lines.length) byId("cart-subtotal").textContent = money(subtotal(lines), lines[0].currency);
}

function lineElement(line) {
  const total = element("p", { class: "line-total" }, money(lineTotal(line), line.currency));
  const remove = element("button", { class: "link", type: "button", "aria-label": t("removeNamed", line) }, t("remove"));
  remove.addEventListener("click", () => removeLine(line));
  return element(
    "li", { class: "cart-line" },
    element("div", { class: "line-picture" }, picture(line.thumbnail, { size: 96 })),
    element("div", { class: "line-text" },
      element("p", { class: "line-name" }, element("a", { href: productPath(line.slug) }, line.name)),
      element("p", { class: "hint" }, money(line.price, line.currency))),
    total,
    element("div", { class: "line-actions" }, quantityPicker(line, total), remove),
  );
}

/** A number between two buttons. Typing is allowed; nonsense goes back to what it was. */
function quantityPicker(line, total) {
  const input = element("input", {
    type: "number", inputmode: "numeric", min: 1, max: MAX_QUANTITY, value: line.quantity,
    "aria-label": t("quantityOf", line),
  });
  const change = (quantity) => {
    if (Number.isInteger(quantity) && quantity >= 1 && quantity <= MAX_QUANTITY) line.quantity = quantity;
    input.value = line.quantity;
    setQuantity(line.productId, line.quantity);
    total.textContent = money(lineTotal(line), line.currency);
    showSubtotal(cartLines());
    announce(t("quantityNow", { ...line, count: line.quantity }));
  };
  input.addEventListener("change", () => change(Number(input.value)));
  const step = (sign, by, label) => {
    const button = element("button", { type: "button", "aria-label": t(label, line) }, sign);
    button.addEventListener("click", () => change(line.quantity + by));
    return button;
  };
  return element("div", { class: "quantity" }, step("−", -1, "fewer"), input, step("+", 1, "another"));
}

function removeLine(line) {
  const index = cartLines().findIndex(({ productId }) => productId === line.productId);
  removeFromCart(line.productId);
  show();
  announce(t("removed", line));
  // The button that had the focus is gone: go to its neighbour, or to the heading of an empty cart.
  const left = byId("cart-lines").querySelectorAll(".link");
  (left[Math.min(index, left.length - 1)] ?? byId("cart-title")).focus();
}

/** What checkout-refusals.js may do here: no field of the API's is on this page. */
const page = { showFieldErrors: () => false };

async function goToCheckout() {
  try {
    clearProblem();
    // An order that was sent and never answered is the checkout page's to finish.
    if (!unansweredOrder(savedCheckoutId())) await openCheckout();
    location.assign(checkoutPath);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    await showRefusal(error, page, goToCheckout);
  }
}

byId("to-checkout").addEventListener("click", (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return; // another tab: that one will open the checkout itself
  event.preventDefault();
  whileBusy(event.currentTarget, goToCheckout);
});
/** From a reminder: the cart that was left, in this browser or another. */
async function restoreFromLink() {
  const token = takeRestoreToken();
  if (!token) return;
  await restoreCart(token);
  show();
}

show();
restoreFromLink();
window.addEventListener("hashchange", restoreFromLink); // the link, opened in this tab
window.addEventListener("storage", show); // another tab changed the cart
window.addEventListener("pageshow", (event) => event.persisted && show());
