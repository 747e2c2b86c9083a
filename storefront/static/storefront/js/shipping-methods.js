// The delivery methods as radio buttons.

import { element } from "./dom.js";
import { money, t } from "./i18n.js";

const days = ({ minDays, maxDays }) =>
  minDays === maxDays ? t("days", { count: minDays }) : t("daysRange", { from: minDays, to: maxDays });

const price = (method, currency) => (Number(method.price) === 0 ? t("free") : money(method.price, currency));

export const methodText = (method, currency) =>
  method ? [method.name, days(method), price(method, currency)].join(" · ") : "";

/** The one that was chosen before is marked; else the first, which is the cheapest. */
export function methodElements(methods, chosenId, currency) {
  const marked = chosenId ?? methods[0]?.id;
  return methods.map((method) =>
    element("label", { class: "method" },
      element("input", { type: "radio", name: "shippingMethodId", value: method.id, checked: method.id === marked }),
      element("span", { class: "method-name" }, method.name, element("span", { class: "hint" }, days(method))),
      element("span", { class: "method-price" }, price(method, currency))));
}

export const chosenMethod = (form, methods) =>
  methods.find(({ id }) => id === new FormData(form).get("shippingMethodId"));
