// What a refusal means to the shopper, in one sentence. The API's own message (it follows Accept-Language) stands in
// wherever the shop has nothing better to say.

import { has, t } from "./i18n.js";

export function explain(error) {
  if (error.code === "RATE_LIMITED") return t("error_RATE_LIMITED", { seconds: Math.max(error.retryAfter, 1) });
  if (has(`error_${error.code}`)) return t(`error_${error.code}`);
  const reference = error.requestId ? ` (${error.requestId})` : "";
  return error.status >= 500 || !error.message ? t("error_INTERNAL_ERROR") + reference : error.message;
}

/** The lines of an OUT_OF_STOCK: "Mug: you asked for 3, 1 is left". */
export const shortages = (error) =>
  (error.details.items ?? []).map(({ name, asked, available }) =>
    t(available > 0 ? "shortage" : "shortageNone", { name, asked, count: available }));

/** The errors of an INVALID_INPUT by field name. */
export const fieldErrors = (error) => (error.code === "INVALID_INPUT" ? error.details : {});
