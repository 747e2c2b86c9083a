// A form of the shop: sent once at a time, errors beside their fields, everything else in the page's #problem box.

import { ApiError } from "./api.js";
import { announce, clearProblem, showProblem, whileBusy } from "./dom.js";
import { forgetErrorsOnInput, obviousErrors, showFieldErrors } from "./field-errors.js";
import { t } from "./i18n.js";
import { loginPath } from "./paths.js";
import { explain, fieldErrors } from "./refusals.js";

/** Forms send nothing by themselves; each has one thing to run, once at a time. Until this has run their button is
 *  disabled: a form sent before would load the page again, without what was typed. */
export function onSubmit(form, run) {
  const button = form.querySelector("[type=submit]");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    whileBusy(button, run);
  });
  button.disabled = false;
}

/** What was typed, without spaces around it; passwords as they are. A box that is not ticked is not there. */
export function valuesOf(form) {
  const keep = ({ name, value }) => (form.elements[name].type === "password" ? value : value.trim());
  return Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, keep({ name, value })]));
}

/** `send` is called with what was typed. `errorsOf` finds the field errors of a refusal; by default those it names. */
export function startForm(form, send, { errorsOf = fieldErrors } = {}) {
  forgetErrorsOnInput(form);
  onSubmit(form, async () => {
    clearProblem();
    if (showFieldErrors(form, obviousErrors(form))) return;
    try {
      await send(valuesOf(form));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (!showFieldErrors(form, errorsOf(error))) showRefusalOf(error);
    }
  });
}

/** A refusal that is about no field. */
export function showRefusalOf(error) {
  const details = error.code === "INVALID_INPUT" ? Object.values(error.details).flat() : [];
  const actions = error.code === "NOT_AUTHENTICATED" ? [{ label: t("logIn"), href: loginPath }] : [];
  showProblem(explain(error), { actions, details });
}

/** Says in `place` that it is done. It goes when something else is typed in the form around it. */
export function sayDone(place, sentence) {
  place.textContent = sentence;
  announce(sentence);
  place.closest("form")?.addEventListener("input", () => (place.textContent = ""), { once: true });
}
