// The pages that links in mails lead to: an address is proven, a password set anew. What stands behind the # is the
// token. No server is sent that part of an address; it is taken out of the address bar at once, kept in this tab so that
// a reload or another language does not lose it, and sent in the body of the one request that it is for.

import { resetPassword, verifyEmail } from "./account-api.js";
import { rememberLogin } from "./account.js";
import { byId, clearProblem, showProblem } from "./dom.js";
import { startForm } from "./forms.js";
import { t } from "./i18n.js";
import { forgottenPath, registerPath } from "./paths.js";
import { fieldErrors } from "./refusals.js";
import { tab } from "./storage.js";

const form = byId("link-form");
const purposes = {
  verify: { send: verifyEmail, anew: { label: "register", href: registerPath } },
  reset: { send: resetPassword, anew: { label: "askForLink", href: forgottenPath } },
};
const purpose = form.dataset.purpose;
const { send, anew } = purposes[purpose];
const kept = `link-${purpose}`;

function takeToken() {
  const token = location.hash.slice(1);
  if (token) {
    tab.set(kept, token);
    // Without the tracker, which watches history.replaceState: no page was turned.
    History.prototype.replaceState.call(history, null, "", location.pathname + location.search);
    clearProblem();
  }
  form.hidden = !tab.get(kept);
  if (form.hidden) showBroken("linkMissing");
}

function showBroken(sentence) {
  tab.remove(kept);
  form.hidden = true;
  showProblem(t(sentence), { actions: [{ label: t(anew.label), href: anew.href }] });
}

startForm(form, async ({ password }) => {
  try {
    await send({ token: tab.get(kept), password });
  } catch (error) {
    if (!fieldErrors(error).token) throw error;
    return showBroken("linkOver");
  }
  tab.remove(kept);
  // A new password ends every login of the account; one that goes on is found again by the login page.
  if (purpose === "reset") rememberLogin(false);
  form.hidden = true;
  byId("link-done").hidden = false;
  return byId("link-done-title").focus();
}, {
  errorsOf: (error) => (error.code === "INVALID_CREDENTIALS" ? { password: [t("verifyWrongPassword")] } : fieldErrors(error)),
});

takeToken();
window.addEventListener("hashchange", takeToken); // another link, opened in this tab
