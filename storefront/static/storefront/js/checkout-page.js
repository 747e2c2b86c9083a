// Checkout in three steps: address, delivery, and a last look with the discount code. After each the server's summary
// is shown; the browser computes nothing. Steps that are done fold up and can be opened again.

import { accountIfAny } from "./account.js";
import { addressForm, contactAndAddress, prepareAddressForm, rememberAddress, reminderWish } from "./address-form.js";
import { ApiError, applyCoupon, calculateShipping, calculateTax, getCheckout, removeCoupon } from "./api.js";
import { cartLines, clearCart } from "./cart.js";
import { showRefusal } from "./checkout-refusals.js";
import { forgetCheckout, openCheckout, savedCheckoutId } from "./checkout-session.js";
import { couponForm, drawSummary, totalOf } from "./checkout-summary.js";
import { placeOrder, unansweredOrder } from "./confirm.js";
import { announce, byId, clearProblem, showProblem, whileBusy } from "./dom.js";
import { forgetErrorsOnInput, obviousErrors, showFieldErrors } from "./field-errors.js";
import { onSubmit } from "./forms.js";
import { t } from "./i18n.js";
import { keepOrderToken } from "./order-tokens.js";
import { isWebAddress, orderPath } from "./paths.js";
import { addressLines } from "./postal-address.js";
import { explain } from "./refusals.js";
import { chosenMethod, methodElements, methodText } from "./shipping-methods.js";
import { onChangeStep, setStepOutcome, showStep, stepIsDone } from "./steps.js";

const shippingForm = byId("shipping-form");
let checkout = null;
let methods = [];
let question = 0;

function openStep(name, { focus = true } = {}) {
  showStep(name, { focus });
  showSummary(checkout.summary);
}

function showSummary(summary) {
  checkout.summary = summary;
  drawSummary(checkout, { shipping: checkout.shippingMethodId !== null, tax: stepIsDone("shipping") });
}

const sayTotal = () => announce(t("totalNow", { total: totalOf(checkout) }));

/** Runs one call of a step. A refusal is shown with its next step, and `again` where trying again may help. */
async function attempt(work, again) {
  try {
    clearProblem();
    await work();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    await showRefusal(error, page, again);
  }
}

// Step 1: address -----------------------------------------------------------------------------------------------------

async function submitAddress() {
  if (showFieldErrors(addressForm, obviousErrors(addressForm))) return;
  rememberAddress();
  await attempt(async () => {
    await findMethods();
    if (methods.length === 0) showFieldErrors(addressForm, { "shippingAddress.country": [t("noDelivery")] });
    else openStep("shipping");
  }, submitAddress);
}

/** Asks which methods serve the address; this also saves the address with the checkout. */
async function findMethods(methodId) {
  const contact = contactAndAddress();
  const answer = await calculateShipping(checkout.checkoutId, contact.shippingAddress, methodId, reminderWish());
  methods = answer.methods;
  checkout.shippingMethodId = answer.shippingMethodId;
  checkout.summary = answer.summary;
  setStepOutcome("address", [contact.email, ...addressLines(contact.shippingAddress)].join(" · "));
  byId("methods").replaceChildren(...methodElements(methods, answer.shippingMethodId, answer.summary.currency));
}

// Step 2: delivery ----------------------------------------------------------------------------------------------------

/** Saves a method and shows the new total. Of two quick choices the later one is shown. */
async function chooseMethod(methodId) {
  const asked = ++question;
  const { shippingAddress } = contactAndAddress();
  const answer = await calculateShipping(checkout.checkoutId, shippingAddress, methodId);
  if (asked !== question) return;
  checkout.shippingMethodId = answer.shippingMethodId;
  showSummary(answer.summary);
  sayTotal();
}

async function submitShipping() {
  const method = chosenMethod(shippingForm, methods);
  byId("shipping-error").textContent = method ? "" : t("chooseMethod");
  if (!method) return byId("methods").querySelector("input")?.focus();
  return attempt(async () => {
    if (checkout.shippingMethodId !== method.id) await chooseMethod(method.id);
    await goToReview();
  }, submitShipping);
}

const foldMethod = () => setStepOutcome(
  "shipping", methodText(methods.find(({ id }) => id === checkout.shippingMethodId), checkout.summary.currency));

async function goToReview({ focus = true } = {}) {
  checkout.summary = (await calculateTax(checkout.checkoutId)).summary;
  foldMethod();
  openStep("review", { focus });
  sayTotal();
}

// Step 3: discount code and the order ---------------------------------------------------------------------------------

/** A code may change what each method costs. */
async function priceMethods() {
  await findMethods(checkout.shippingMethodId);
  foldMethod();
}

async function submitCoupon() {
  const code = couponForm.code.value.trim();
  if (showFieldErrors(couponForm, code ? {} : { code: [t("couponEmpty")] })) return;
  await attempt(async () => {
    try {
      const { summary } = await applyCoupon(checkout.checkoutId, code);
      checkout.couponCode = code.toUpperCase();
      showSummary(summary);
      byId("coupon-code").focus();
      sayTotal();
      await priceMethods();
    } catch (error) {
      const aboutTheCode = error instanceof ApiError && (error.code.startsWith("COUPON_") || error.details.code);
      if (!aboutTheCode) throw error;
      showFieldErrors(couponForm, { code: error.details.code ?? [explain(error, { currency: page.currency() })] });
    }
  }, submitCoupon);
}

const dropCoupon = () => attempt(async () => {
  const { summary } = await removeCoupon(checkout.checkoutId);
  checkout.couponCode = null;
  couponForm.reset();
  showSummary(summary);
  couponForm.code.focus();
  sayTotal();
  await priceMethods();
}, dropCoupon);

/** What is ordered. `expectedTotal` is the total that the shopper saw: if it is no longer true, nothing is ordered. */
const orderBody = () => ({
  checkoutId: checkout.checkoutId,
  ...contactAndAddress(),
  shippingMethodId: checkout.shippingMethodId,
  expectedTotal: checkout.summary.total,
});

let leaving = false; // ordered: the click of a slow double click that comes now is none
const confirm = () => leaving || whileBusy(byId("confirm"), () => sendOrder(orderBody()));

async function sendOrder(body) {
  byId("waiting").textContent = t("ordering");
  await attempt(async () => {
    try {
      const { order, payment, orderToken } = await placeOrder(body);
      leave(order.orderId, orderToken, payment?.paymentUrl);
    } catch (error) {
      // The order stands, only the pay page could not be opened: pay from the order page, without ordering again.
      const placed = error.code === "BILLING_UNAVAILABLE" && error.details.order;
      if (!placed) throw error;
      leave(placed.orderId, error.details.orderToken, null);
    }
  }, () => sendOrder(body));
  byId("waiting").textContent = "";
}

/** To the pay page, with the order page behind it for the Back button. An order that costs nothing is paid already. */
function leave(orderId, token, paymentUrl) {
  leaving = true;
  keepOrderToken(orderId, token);
  clearCart();
  forgetCheckout();
  // The prototype's own, because tracker.js watches history.replaceState: nobody has seen the order page yet.
  History.prototype.replaceState.call(history, null, "", orderPath(orderId));
  location.assign(paymentUrl && isWebAddress(paymentUrl) ? paymentUrl : orderPath(orderId));
}

// The page ------------------------------------------------------------------------------------------------------------

/** What checkout-refusals.js may do here. */
const page = {
  confirm, openStep, removeCoupon: dropCoupon, showSummary, showFieldErrors: showErrorsInTheirStep, findOrder,
  currency: () => checkout.summary.currency,
};

function showErrorsInTheirStep(errors) {
  if (errors.shippingMethodId) {
    openStep("shipping");
    byId("shipping-error").textContent = errors.shippingMethodId[0];
    return true;
  }
  const here = [...addressForm.elements].some(({ name }) => name && errors[name]);
  if (here) openStep("address");
  return here && showFieldErrors(addressForm, errors);
}

async function findOrder() {
  try {
    return (await getCheckout(checkout?.checkoutId ?? savedCheckoutId())).orderId;
  } catch {
    return null;
  }
}

/** After a reload: the step that the shopper had reached. */
async function resume() {
  const contact = contactAndAddress();
  if (!checkout.shippingAddress || !contact.email) return openStep("address", { focus: false });
  await findMethods(checkout.shippingMethodId ?? undefined);
  if (checkout.shippingMethodId) return goToReview({ focus: false });
  return openStep("shipping", { focus: false });
}

async function start() {
  const unanswered = unansweredOrder(savedCheckoutId());
  const nothing = !unanswered && cartLines().length === 0;
  byId("checkout-empty").hidden = !nothing;
  if (nothing) return;
  await attempt(async () => {
    checkout = unanswered ? await getCheckout(savedCheckoutId()) : await openCheckout();
    // The page was reloaded while an order was on its way. The same key and body: the first answer, or its refusal.
    if (unanswered) await sendOrder(unanswered);
    else if (checkout.orderId) leave(checkout.orderId, null, null);
    if (!savedCheckoutId()) return; // ordered, and leaving
    byId("checkout").hidden = false;
    await resume();
    if (checkout.couponLost) showProblem(t("couponLost", { code: checkout.couponLost }));
  }, start);
}

onSubmit(addressForm, submitAddress);
onSubmit(shippingForm, submitShipping);
onSubmit(couponForm, submitCoupon);
forgetErrorsOnInput(addressForm);
forgetErrorsOnInput(couponForm);
shippingForm.addEventListener("change", ({ target }) => attempt(() => chooseMethod(target.value)));
onChangeStep(openStep);
byId("coupon-remove").addEventListener("click", dropCoupon);
byId("confirm").addEventListener("click", confirm);
// Back from the pay page: the browser may show the page as it was left. Its address is the order's by now.
window.addEventListener("pageshow", (event) => event.persisted && location.reload());
prepareAddressForm(await accountIfAny());
start();
