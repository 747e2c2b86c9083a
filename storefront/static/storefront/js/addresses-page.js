// The account's addresses. The API takes the whole list each time; one of each kind may be the default.

import { changeAccount } from "./account-api.js";
import { startAccountPage } from "./account-page.js";
import { ApiError } from "./api.js";
import { fillCountries, likelyCountry } from "./countries.js";
import { byId, clearProblem, element, whileBusy } from "./dom.js";
import { sayDone, showRefusalOf, startForm } from "./forms.js";
import { t } from "./i18n.js";
import { addressLines } from "./postal-address.js";
import { fieldErrors } from "./refusals.js";

const form = byId("address-form");
let addresses = [];
let edited = null; // which one the form is about; null for a new one

function show(account) {
  ({ addresses } = account);
  byId("addresses").replaceChildren(...addresses.map(addressElement));
  byId("no-addresses").hidden = addresses.length > 0;
}

function addressElement(address, index) {
  const text = addressLines(address).join(", ");
  const button = (label, run) => {
    const made = element("button", { class: "link", type: "button", "aria-label": `${t(label)}: ${text}` }, t(label));
    made.addEventListener("click", () => whileBusy(made, run));
    return made;
  };
  return element("li", { class: "address panel" },
    element("p", { class: "hint" }, t(`addressKind_${address.kind}`), address.isDefault && ` · ${t("isDefault")}`),
    element("address", {}, ...addressLines(address).map((line) => element("span", {}, line))),
    element("p", { class: "address-actions" },
      button("change", () => edit(index)),
      !address.isDefault && button("makeDefault", () => attempt(withDefault(addresses, index))),
      button("remove", () => attempt(addresses.filter((_, place) => place !== index)))));
}

/** The list with the address at `index` as the only default of its kind. */
const withDefault = (list, index) =>
  list.map((address, place) =>
    ({ ...address, isDefault: place === index || (address.isDefault && address.kind !== list[index].kind) }));

async function save(list) {
  show(await changeAccount({ addresses: list }));
  edit(null);
  sayDone(byId("addresses-done"), t("saved"));
  byId("addresses-title").focus(); // the button that was pressed is gone
}

async function attempt(list) {
  try {
    clearProblem();
    await save(list);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    showRefusalOf(error);
  }
}

/** Fills the form with an address, or empties it for a new one. */
function edit(index) {
  edited = index;
  form.reset();
  form.country.value = likelyCountry();
  byId("address-form-title").textContent = t(index === null ? "addressNew" : "addressEdit");
  byId("address-keep").hidden = index === null;
  if (index === null) return;
  for (const [name, value] of Object.entries(addresses[index])) {
    if (name === "isDefault") form.isDefault.checked = value;
    else if (form.elements[name]) form.elements[name].value = value;
  }
  byId("address-form-title").focus();
}

startForm(form, async (typed) => {
  const address = { ...typed, isDefault: form.isDefault.checked };
  const place = edited ?? addresses.length;
  const list = addresses.toSpliced(place, 1, address);
  await save(address.isDefault ? withDefault(list, place) : list);
}, { errorsOf: errorsOfEdited });

/** The API says `addresses.2.postalCode`; the form knows which one it sent. */
function errorsOfEdited(error) {
  const prefix = `addresses.${edited ?? addresses.length}.`;
  const own = Object.entries(fieldErrors(error)).filter(([name]) => name.startsWith(prefix));
  return Object.fromEntries(own.map(([name, errors]) => [name.slice(prefix.length), errors]));
}

byId("address-keep").addEventListener("click", () => {
  edit(null);
  byId("addresses-title").focus();
});
fillCountries(form.country);
edit(null);
startAccountPage(show);
