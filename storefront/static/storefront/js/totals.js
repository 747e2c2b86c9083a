// Lines and totals, as the server computed them. Used by the checkout and by the order page.

import { element, picture } from "./dom.js";
import { money, number, t } from "./i18n.js";
import { productPath } from "./paths.js";

export const sumRow = (label, amount, kind = "") =>
  element("p", { class: `sum-row ${kind}` }, element("span", {}, label), element("span", {}, amount));

/** The rows of a `summary`. What is not known yet (`known.shipping`, `known.tax`) says when it will be. */
export function summaryRows(summary, { couponCode, shippingMethod, known = { shipping: true, tax: true } } = {}) {
  const amount = (value) => money(value, summary.currency);
  const discounted = Number(summary.discountAmount) > 0;
  const showTax = known.tax || Number(summary.taxAmount) > 0;
  const taxes = summary.taxLines?.length ? summary.taxLines : [{ name: t("tax"), amount: summary.taxAmount }];
  return [
    sumRow(t("subtotal"), amount(summary.subtotal)),
    (discounted || couponCode) && sumRow(couponCode ? t("discountCode", { code: couponCode }) : t("discount"), `−${amount(summary.discountAmount)}`),
    sumRow(shippingMethod ? t("shippingBy", { method: shippingMethod }) : t("shipping"), known.shipping ? amount(summary.shippingAmount) : t("nextStep")),
    ...(showTax ? taxes.map((tax) => sumRow(taxLabel(tax, summary.taxIncluded), amount(tax.amount))) : []),
    sumRow(t("total"), amount(summary.total), "total"),
  ].filter(Boolean);
}

/** What was sent back of an order, or null. */
export const refundedRow = (refundedAmount, currency) =>
  Number(refundedAmount) > 0 ? sumRow(t("refunded"), `−${money(refundedAmount, currency)}`) : null;

function taxLabel({ name, rate }, included) {
  const label = rate === undefined ? name : `${name} ${number(Number(rate))} %`;
  return included ? t("taxIncluded", { label }) : label;
}

/** The lines of a checkout or an order, small. */
export function miniLines(items, currency) {
  return items.map(({ productId, name, thumbnail, quantity, lineTotal }) =>
    element("li", { class: "mini-line" },
      element("div", { class: "mini-picture" }, picture(thumbnail, { size: 56 })),
      element("p", { class: "mini-name" },
        productId ? element("a", { href: productPath(productId) }, name) : name,
        element("span", { class: "hint" }, ` × ${number(quantity)}`)),
      element("p", { class: "mini-total" }, money(lineTotal, currency))));
}
