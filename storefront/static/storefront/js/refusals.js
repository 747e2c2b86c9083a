// What a refusal means to the shopper, in one sentence. The API's own message (it follows Accept-Language) stands in
// wherever the shop has nothing better to say.

import { has, money, t } from "./i18n.js";

/** `currency` is that of the amounts in the refusal's details. */
export function explain(error, { currency } = {}) {
  if (error.code === "RATE_LIMITED") return whenAgain(error.retryAfter);
  const minimum = error.details?.minimumSubtotal;
  if (minimum && currency) return t("couponMinimum", { minimum: money(minimum, currency) });
  if (has(`error_${error.code}`)) return t(`error_${error.code}`);
  const reference = error.requestId ? ` (${error.requestId})` : "";
  return error.status >= 500 || !error.message ? t("error_INTERNAL_ERROR") + reference : error.message;
}

const whenAgain = (seconds) =>
  seconds > 90
    ? t("tooOftenMinutes", { count: Math.ceil(seconds / 60) })
    : t("error_RATE_LIMITED", { count: Math.max(seconds, 1) });

/** The lines of an OUT_OF_STOCK: "Mug: you asked for 3, 1 is left". */
export const shortages = (error) =>
  (error.details.items ?? []).map(({ name, asked, available }) =>
    t(available > 0 ? "shortage" : "shortageNone", { name, asked, count: available }));

/** The errors of an INVALID_INPUT by field name. */
export const fieldErrors = (error) => (error.code === "INVALID_INPUT" ? error.details : {});
