// tracker.js (one line in the page) sends the page views by itself. The shop adds what only it knows. The tracker may be
// blocked or away: then nothing is counted and the shop goes on.

/** `add_to_cart`, `remove_from_cart`, `search`, `product_view`; `about` is `{ productId, metadata }`. */
export function track(eventType, about = {}) {
  window.footfall?.track(eventType, about);
}
