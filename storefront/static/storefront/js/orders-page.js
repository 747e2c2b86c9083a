// Own orders, newest first: those of this visit, and of the account when somebody is logged in.

import "./account-nav.js";
import { accountIfAny } from "./account.js";
import { listOrders } from "./api.js";
import { announce, byId, clearProblem, element, showProblem, whileBusy } from "./dom.js";
import { has, moment, money, t } from "./i18n.js";
import { orderPath } from "./paths.js";
import { explain } from "./refusals.js";

const list = byId("orders");
const more = byId("load-more");
let next = null;

async function load(cursor = null) {
  try {
    const page = await listOrders(cursor);
    clearProblem();
    show(page, { append: cursor !== null });
  } catch (error) {
    showProblem(explain(error), { actions: [{ label: t("tryAgain"), run: () => load(cursor) }] });
  }
}

function show({ items, next: following }, { append }) {
  const rows = items.map(row);
  if (append) list.append(...rows);
  else list.replaceChildren(...rows);
  next = following;
  more.hidden = next === null;
  byId("no-orders").hidden = list.children.length > 0;
  if (append) rows[0]?.querySelector("a").focus();
}

function row(order) {
  const { number, orderId, placedAt, summary, items } = order;
  return element("li", { class: "order-row" },
    element("p", { class: "order-row-number" }, element("a", { href: orderPath(orderId) }, number)),
    element("p", { class: "order-row-total" }, money(summary.total, summary.currency)),
    element("p", { class: "hint" }, `${moment(placedAt)} · ${statusOf(order)}`),
    element("p", { class: "hint order-row-items" }, items.map(({ name, quantity }) => `${quantity} × ${name}`).join(", ")));
}

/** What became of it: of the money once it is paid, else of the order. */
function statusOf({ status, paymentStatus, fulfillmentStatus }) {
  const paid = [`orderPayment_${paymentStatus}`, `orderFulfillment_${fulfillmentStatus}`].find(has);
  return t(status === "success" && paid ? paid : `orderStatus_${status}`);
}

async function showWhose() {
  const loggedIn = (await accountIfAny()) !== null;
  byId("account").hidden = !loggedIn;
  byId("orders-guest").hidden = loggedIn;
}

more.addEventListener("click", () => {
  announce(t("loading"));
  whileBusy(more, () => load(next));
});
showWhose();
load();
