// The token of each order placed here. Whoever has it may see the order and pay it, so it is kept in this browser only,
// travels in a header, and is taken out of the address bar at once when a link from an e-mail brought it behind the #.

import { lasting } from "./storage.js";

const KEPT = 20;

export function keepOrderToken(orderId, token) {
  if (!token) return;
  const others = Object.entries(lasting.get("orderTokens") ?? {}).filter(([id]) => id !== orderId);
  lasting.set("orderTokens", Object.fromEntries([...others, [orderId, token]].slice(-KEPT)));
}

export const orderToken = (orderId) => lasting.get("orderTokens")?.[orderId];

/** What a link to another page of the order needs: nothing, unless this browser keeps nothing for the next page. */
export const tokenForLink = (orderId) =>
  lasting.isLostWithThePage("orderTokens") ? `#token=${encodeURIComponent(orderToken(orderId) ?? "")}` : "";

/** Takes `#token=...` out of the address and keeps it. */
export function keepTokenFromAddress(orderId) {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (!token) return;
  keepOrderToken(orderId, token);
  history.replaceState(null, "", location.pathname + location.search);
}
