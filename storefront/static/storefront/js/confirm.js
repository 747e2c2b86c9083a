// Placing the order exactly once. A double click, a reload or a lost connection must not order twice, so each attempt
// has an Idempotency-Key, kept in this tab with the body until an answer arrives. The same key and body again gives the
// first answer again; another body (an address corrected, a new total) is a new attempt with a new key.

import { confirmOrder } from "./api.js";
import { tab } from "./storage.js";

const PATIENCE = 3;
const PAUSE_MS = 3000;

/** `crypto.randomUUID` is missing on plain http; `getRandomValues` is not. */
function newKey() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function keyFor(body) {
  const kept = tab.get("confirm");
  if (kept && JSON.stringify(kept.body) === JSON.stringify(body)) return kept.key;
  const key = newKey();
  tab.set("confirm", { key, body });
  return key;
}

/** The body of an attempt that this tab sent and never heard back from: send it again after a reload. */
export function unansweredOrder(checkoutId) {
  const kept = tab.get("confirm");
  return kept && kept.body.checkoutId === checkoutId ? kept.body : null;
}

/** Sends the order and returns the answer of confirm-order. Throws ApiError when it is refused or nobody knows. */
export async function placeOrder(body) {
  const key = keyFor(body);
  for (let turn = 1; ; turn++) {
    try {
      const answer = await confirmOrder(body, key);
      tab.remove("confirm");
      return answer;
    } catch (error) {
      const stillRunning = error.code === "IDEMPOTENCY_CONFLICT"; // our own first request, not answered yet
      if (stillRunning && turn < PATIENCE) {
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
        continue;
      }
      // A clear refusal ends this attempt; what comes next is another one. Anything else keeps the key.
      if (!stillRunning && !error.isUncertain && error.code !== "RATE_LIMITED") tab.remove("confirm");
      throw error;
    }
  }
}
