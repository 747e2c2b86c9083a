// The checkout under way in this tab: opened once, found again after a reload, brought up to date with the cart.

import { getCheckout, initiateCheckout, replaceItems } from "./api.js";
import { cartItems, cartLines, removeFromCart, setQuantity } from "./cart.js";
import { tab } from "./storage.js";

const GONE = ["NOT_FOUND", "CHECKOUT_CLOSED", "SESSION_EXPIRED"];

export const savedCheckoutId = () => tab.get("checkout")?.id ?? null;

export function forgetCheckout() {
  tab.remove("checkout");
}

/** Takes up a checkout that was opened elsewhere, for these lines; other ones in the cart are brought to it later. */
export function adoptCheckout(checkoutId, items) {
  tab.set("checkout", { id: checkoutId, items: items.map(({ productId, quantity }) => ({ productId, quantity })) });
}

/** The checkout for what is in the cart now. One that has an `orderId` was ordered already. */
export async function openCheckout() {
  const items = cartItems();
  const checkout = (await resumeCheckout(items)) ?? (await initiateCheckout(items));
  tab.set("checkout", { id: checkout.checkoutId, items });
  return checkout;
}

async function resumeCheckout(items) {
  const saved = tab.get("checkout");
  if (!saved) return null;
  try {
    const checkout = await getCheckout(saved.id);
    if (checkout.orderId) return checkout;
    if (checkout.status !== "open" || Date.parse(checkout.expiresAt) <= Date.now()) return null;
    const unchanged = JSON.stringify(saved.items) === JSON.stringify(items);
    return unchanged ? checkout : await withOtherItems(checkout, items);
  } catch (error) {
    if (GONE.includes(error.code)) return null; // its 30 minutes are over: open another
    throw error;
  }
}

/** Other lines may cost the checkout its discount code: `couponLost` names it. */
async function withOtherItems({ checkoutId, couponCode }, items) {
  const checkout = await replaceItems(checkoutId, items);
  return { ...checkout, couponLost: checkout.couponCode === null ? couponCode : null };
}

/** Brings the cart down to what an OUT_OF_STOCK says is left. */
export function takeWhatIsLeft(error) {
  for (const { productId, available } of error.details.items ?? []) {
    if (available > 0) setQuantity(productId, available);
    else removeFromCart(productId);
  }
}

/** The cart lines that an INVALID_INPUT names in `cartItems`, by id or name: products that are not sold any more. */
export function refusedLines(error) {
  const refused = error.details.cartItems ?? [];
  return cartLines().filter(({ productId, name }) => refused.includes(productId) || refused.includes(name));
}
