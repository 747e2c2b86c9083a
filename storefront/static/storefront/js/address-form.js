// The first step's form. Its inputs carry the API's own names ("shippingAddress.postalCode").

import { fillCountries } from "./countries.js";
import { byId } from "./dom.js";
import { t } from "./i18n.js";
import { tab } from "./storage.js";

export const addressForm = byId("address-form");

/** Fills in the countries and what was typed before in this tab; else what the account of who is logged in knows. */
export function prepareAddressForm(account) {
  fillCountries(byId("country"));
  fill(tab.get("address") ?? knownOf(account));
  byId("checkout-guest").hidden = account !== null;
  byId("checkout-customer").hidden = account === null;
  byId("checkout-customer").textContent = t("loggedInAs", { email: account?.email });
}

function fill(values) {
  for (const [name, value] of Object.entries(values)) {
    const input = addressForm.elements[name];
    if (input?.type === "checkbox") input.checked = value === input.value;
    else if (input) input.value = value;
  }
}

function knownOf(account) {
  if (account === null) return {};
  const { email, firstName, lastName, phone, addresses } = account;
  const shipping = addresses.filter(({ kind }) => kind === "shipping");
  const address = shipping.find(({ isDefault }) => isDefault) ?? shipping[0] ?? {};
  const known = Object.entries(address).map(([name, value]) => [`shippingAddress.${name}`, value]);
  return { email, firstName, lastName, phone, ...Object.fromEntries(known) };
}

const typed = () =>
  Object.fromEntries([...new FormData(addressForm)].map(([name, value]) => [name, value.trim()]));

export const rememberAddress = () => tab.set("address", typed());

/** `{ email, firstName, lastName, phone, shippingAddress: {...} }` as confirm-order takes it, without empty fields. */
export function contactAndAddress() {
  const contact = { shippingAddress: {} };
  for (const [name, value] of Object.entries(typed())) {
    const [owner, part] = name.split(".");
    if (!value || name === "remindMe") continue;
    if (part) contact[owner][part] = value;
    else contact[name] = value;
  }
  return contact;
}

/** Whether the shopper wants to be reminded, and where, as calculate-shipping takes it. */
export function reminderWish() {
  const { remindMe, email } = addressForm.elements;
  return remindMe.checked ? { remindMe: true, email: email.value.trim() } : { remindMe: false };
}
