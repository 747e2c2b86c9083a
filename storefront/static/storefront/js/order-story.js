// What has happened to an order so far, and where its parcel is.

import { element } from "./dom.js";
import { moment, t } from "./i18n.js";
import { isWebAddress } from "./paths.js";

/** The order's changes and its payments, the oldest first. */
export function storyRows({ history, attempts }) {
  const events = [
    ...attempts.map(({ number, status, openedAt, resolvedAt }) => ({
      at: resolvedAt ?? openedAt, text: t(`storyPayment_${status}`, { number }),
    })),
    ...history.map(({ status, at }) => ({ at, text: t(`story_${status}`) })),
  ];
  events.sort((one, other) => Date.parse(one.at) - Date.parse(other.at));
  return events.map(({ at, text }) =>
    element("li", { class: "story-row" },
      element("span", {}, text),
      element("time", { class: "hint", datetime: at }, moment(at))));
}

/** What is said of the parcel of a paid order. Whatever else there is to say of it becomes another element here. */
export function fulfilmentParts({ fulfillmentStatus, shippingMethod, ...parcel }) {
  return [
    element("span", {}, t(`fulfilment_${fulfillmentStatus}`)),
    shippingMethod && element("span", { class: "hint" }, t("shippedBy", { method: shippingMethod })),
    ...trackingParts(parcel),
  ].filter(Boolean);
}

/** How the parcel can be followed, as far as the shop knows it. */
function trackingParts({ carrier, trackingNumber, trackingUrl }) {
  const number = [carrier, trackingNumber].filter(Boolean).join(" ");
  const link = { href: trackingUrl, rel: "noreferrer" };
  return [
    number && element("span", { class: "hint" }, t("trackedAs", { number })),
    isWebAddress(trackingUrl) && element("span", {}, element("a", link, t("followParcel"))),
  ];
}
