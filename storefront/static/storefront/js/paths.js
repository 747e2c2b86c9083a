// Where the shop's own pages are. A shop that copies these scripts changes this file and the API's base in api.js.

const SHOP = "/shop";

export const cartPath = `${SHOP}/cart`;
export const productsPath = `${SHOP}/`;
/** `key` is a slug or a product id: the API takes either. */
export const productPath = (key) => `${SHOP}/products/${encodeURIComponent(key)}`;
export const orderPath = (orderId) => `${SHOP}/orders/${encodeURIComponent(orderId)}`;

/** Only web addresses are followed, whatever an answer says: never `javascript:`. */
export function isWebAddress(address) {
  try {
    return ["http:", "https:"].includes(new URL(address, location.href).protocol);
  } catch {
    return false;
  }
}
