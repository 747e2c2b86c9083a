// The cart lives in the browser. The API hears of it when a checkout is opened, and only then checks prices and stock;
// the prices kept here are those the shopper saw last, for the cart page alone.

import { lasting } from "./storage.js";
import { track } from "./tracking.js";

export const MAX_QUANTITY = 999;
export const MAX_LINES = 100;

/** `[{ productId, slug, name, thumbnail, price, currency, quantity }]` */
export function cartLines() {
  const lines = lasting.get("cart");
  return Array.isArray(lines) ? lines : [];
}

export const pieces = () => cartLines().reduce((sum, line) => sum + line.quantity, 0);

/** What `checkout/initiate` takes. */
export const cartItems = () => cartLines().map(({ productId, quantity }) => ({ productId, quantity }));

function save(lines) {
  lasting.set("cart", lines);
  document.dispatchEvent(new CustomEvent("cart-changed"));
}

/** Adds pieces of a product as the API describes it. False when the cart has no room for another line. */
export function addToCart(product, quantity) {
  const lines = cartLines();
  const line = lines.find(({ productId }) => productId === product.id);
  if (!line && lines.length >= MAX_LINES) return false;
  if (line) line.quantity = Math.min(line.quantity + quantity, MAX_QUANTITY);
  else lines.push({ ...described(product), quantity });
  save(lines);
  track("add_to_cart", { productId: product.id, metadata: { quantity } });
  return true;
}

const described = ({ id, slug, name, thumbnail, price, currency }) => ({
  productId: id, slug, name, thumbnail, price, currency,
});

export function setQuantity(productId, quantity) {
  const lines = cartLines();
  const line = lines.find((candidate) => candidate.productId === productId);
  if (line) line.quantity = quantity;
  save(lines);
}

export function removeFromCart(productId) {
  save(cartLines().filter((line) => line.productId !== productId));
  track("remove_from_cart", { productId });
}

export const clearCart = () => save([]);

/** Fills the cart with what an order had ("order again"). What is in the cart already stays. */
export function refillCart(orderItems, currency) {
  const lines = cartLines();
  for (const { productId, name, thumbnail, unitPrice, quantity } of orderItems) {
    if (!productId || lines.some((line) => line.productId === productId)) continue; // no longer sold, or there already
    lines.push({ productId, slug: productId, name, thumbnail, price: unitPrice, currency, quantity });
  }
  save(lines);
}

/** The price times the quantity as a decimal string: in whole minor units, so that nothing is lost. */
export const lineTotal = ({ price, quantity }) => fromMinor(toMinor(price) * BigInt(quantity), decimals(price));

/** What the lines come to, as the shopper last saw the prices. All are in the shop's one currency. */
export function subtotal(lines) {
  const places = Math.max(...lines.map(({ price }) => decimals(price)));
  return fromMinor(lines.reduce((sum, { price, quantity }) => sum + toMinor(price) * BigInt(quantity), 0n), places);
}

const decimals = (amount) => (amount.split(".")[1] ?? "").length;
const toMinor = (amount) => BigInt(amount.replace(".", ""));

function fromMinor(minor, places) {
  if (places === 0) return String(minor);
  const digits = String(minor).padStart(places + 1, "0");
  return `${digits.slice(0, -places)}.${digits.slice(-places)}`;
}
