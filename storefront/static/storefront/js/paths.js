// Where the shop's own pages are. A shop that copies these scripts changes this file and the API's base in api.js.

const SHOP = "/shop";

export const cartPath = `${SHOP}/cart`;
export const checkoutPath = `${SHOP}/checkout`;
export const productsPath = `${SHOP}/`;
/** `key` is a slug or a product id: the API takes either. */
export const productPath = (key) => `${SHOP}/products/${encodeURIComponent(key)}`;
export const ordersPath = `${SHOP}/orders`;
export const orderPath = (orderId) => `${SHOP}/orders/${encodeURIComponent(orderId)}`;
export const invoicePath = (orderId) => `${orderPath(orderId)}/invoice`;

export const accountPath = `${SHOP}/account`;
export const loginPath = `${SHOP}/account/login`;
export const registerPath = `${SHOP}/account/register`;
export const forgottenPath = `${SHOP}/account/forgotten`;

/** The login, and this page of the shop after it. */
export const loginPathBefore = (page) => `${loginPath}?then=${encodeURIComponent(page)}`;

/** Where the login leads: a page of this shop and nowhere else, whatever the address says. */
export function pathAfterLogin() {
  const wanted = new URLSearchParams(location.search).get("then") ?? accountPath;
  if (!wanted.startsWith(`${SHOP}/`)) return accountPath;
  const { pathname } = new URL(wanted, location.origin); // without `..`
  return pathname.startsWith(`${SHOP}/`) ? pathname : accountPath;
}

/** Only web addresses are followed, whatever an answer says: never `javascript:`. */
export function isWebAddress(address) {
  try {
    return Boolean(address) && ["http:", "https:"].includes(new URL(address, location.href).protocol);
  } catch {
    return false;
  }
}
