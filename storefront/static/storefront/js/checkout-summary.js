// What the checkout comes to, beside its steps: lines, parts, total, and the coupon that is on it.

import { byId } from "./dom.js";
import { money, t } from "./i18n.js";
import { miniLines, summaryRows } from "./totals.js";

export const couponForm = byId("coupon-form");

export const totalOf = ({ summary }) => money(summary.total, summary.currency);

/** `known` says which of `shipping` and `tax` the shopper has chosen or seen. */
export function drawSummary(checkout, known) {
  const { summary, couponCode } = checkout;
  byId("summary-lines").replaceChildren(...miniLines(checkout.items, summary.currency));
  byId("summary").replaceChildren(...summaryRows(summary, { couponCode, known }));
  byId("peek-total").textContent = totalOf(checkout);
  byId("confirm").textContent = t("orderFor", { total: totalOf(checkout) });
  couponForm.hidden = Boolean(couponCode);
  byId("coupon-applied").hidden = !couponCode;
  byId("coupon-code").textContent = t("couponApplied", { code: couponCode });
}
