// The invoice of a paid order, to print or to save as PDF: what `GET /orders/{id}` says, and who sells.

import { ApiError, getOrder } from "./api.js";
import { byId, clearProblem, element, showProblem } from "./dom.js";
import { day, money, number, setTitle, t } from "./i18n.js";
import { showOrderNotFound } from "./order-not-found.js";
import { keepTokenFromAddress, orderToken } from "./order-tokens.js";
import { orderPath } from "./paths.js";
import { fullName, nameAndAddress } from "./postal-address.js";
import { explain } from "./refusals.js";
import { refundedRow, summaryRows, sumRow } from "./totals.js";

const invoice = byId("invoice");
const orderId = invoice.dataset.order;
// The shop's own days: an invoice has the same date wherever it is printed.
const dayOf = (time) => day(time, invoice.dataset.timeZone);

async function load() {
  try {
    const order = await getOrder(orderId, orderToken(orderId));
    clearProblem();
    if (order.paymentStatus === "unpaid") showUnpaid(order);
    else show(order);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.code === "NOT_FOUND") showOrderNotFound();
    else showProblem(explain(error), { actions: [{ label: t("tryAgain"), run: load }] });
  }
}

function showUnpaid(order) {
  showProblem(t("invoiceUnpaid", { number: order.number }), {
    actions: [{ label: t("toOrder"), href: orderPath(orderId) }],
  });
}

function show(order) {
  setTitle(t("titleInvoiceNumber", { number: order.number }));
  byId("invoice-number").textContent = order.number;
  byId("invoice-date").textContent = dayOf(order.paidAt);
  byId("invoice-placed").textContent = dayOf(order.placedAt);
  showParties(order);
  byId("invoice-items").replaceChildren(...order.items.map((item) => line(item, order.summary.currency)));
  byId("invoice-sums").replaceChildren(...sums(order));
  byId("invoice-note").textContent = [taxNote(order.summary), t("invoiceCurrency", order.summary)].join(" ");
  invoice.hidden = byId("print").hidden = false;
  invoice.setAttribute("aria-busy", "false");
}

/** Where it is delivered to is said where it is another place than the bill's. */
function showParties({ addresses, email, ...person }) {
  byId("invoice-billing").replaceChildren(...nameAndAddress(fullName(person), addresses.billing));
  byId("invoice-email").textContent = email;
  const shipping = nameAndAddress(fullName(person), addresses.shipping);
  byId("invoice-shipping").replaceChildren(...shipping);
  byId("invoice-delivery").hidden = byId("invoice-shipping").textContent === byId("invoice-billing").textContent;
}

function line({ name, sku, unitPrice, quantity, lineTotal }, currency) {
  const amounts = [money(unitPrice, currency), number(quantity), money(lineTotal, currency)];
  return element("tr", { role: "row" },
    element("td", { role: "cell" }, name, element("span", { class: "hint" }, sku)),
    ...amounts.map((amount) => element("td", { role: "cell", class: "amount" }, amount)));
}

function sums({ summary, couponCode, shippingMethod, refundedAmount, paidAt }) {
  return [
    ...summaryRows(summary, { couponCode, shippingMethod }),
    sumRow(t("invoicePaid", { when: dayOf(paidAt) }), money(summary.total, summary.currency)),
    refundedRow(refundedAmount, summary.currency),
  ].filter(Boolean);
}

function taxNote({ taxAmount, taxIncluded }) {
  if (Number(taxAmount) === 0) return t("invoiceNoTax");
  return t(taxIncluded ? "invoiceTaxIncluded" : "invoiceTaxAdded");
}

byId("print").addEventListener("click", () => window.print());
window.addEventListener("pageshow", (event) => event.persisted && load());
window.addEventListener("hashchange", () => {
  keepTokenFromAddress(orderId);
  load();
});

keepTokenFromAddress(orderId);
load();
