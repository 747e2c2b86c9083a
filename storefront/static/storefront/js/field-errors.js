// Errors beside their fields. The API names each field in `details`: {"shippingAddress.postalCode": ["..."]}, and the
// inputs carry just those names, so nothing has to be translated between the two.

import { t } from "./i18n.js";

const inputsOf = (form) => [...form.elements].filter((input) => input.name);

/** Writes each error under its field, takes away the old ones, and moves the focus to the first. */
export function showFieldErrors(form, errors) {
  let first = null;
  for (const input of inputsOf(form)) {
    const message = errors[input.name]?.[0] ?? "";
    markField(input, message);
    if (message) first ??= input;
  }
  first?.focus();
  return first !== null;
}

function markField(input, message) {
  const place = errorPlace(input);
  place.textContent = message;
  if (message) input.setAttribute("aria-invalid", "true");
  else input.removeAttribute("aria-invalid");
}

function errorPlace(input) {
  const existing = document.getElementById(`${input.id}-error`);
  if (existing) return existing;
  const place = Object.assign(document.createElement("p"), { id: `${input.id}-error`, className: "field-error" });
  input.after(place);
  input.setAttribute("aria-describedby", place.id);
  return place;
}

/** What the browser itself can see: a required field left empty, an e-mail that is none. The server checks all again. */
export function obviousErrors(form) {
  const errors = {};
  for (const input of inputsOf(form)) {
    const empty = input.required && !input.value.trim();
    if (empty) errors[input.name] = [t("fieldRequired")];
    else if (input.type === "email" && !input.validity.valid) errors[input.name] = [t("fieldEmail")];
  }
  return errors;
}

/** An error goes as soon as the shopper corrects its field; it does not wait for the next submit. */
export function forgetErrorsOnInput(form) {
  form.addEventListener("input", ({ target }) => {
    if (target.getAttribute("aria-invalid")) markField(target, "");
  });
}
