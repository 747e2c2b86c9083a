// The consent banner. Asked once, with two equal buttons; the answer can be changed from the foot of every page.

import { getConsent, putConsent } from "./api.js";
import { announce, byId } from "./dom.js";
import { t } from "./i18n.js";
import { lasting } from "./storage.js";

let openedFrom = null;

export async function startConsent() {
  byId("consent-open").addEventListener("click", (event) => open(event.currentTarget));
  for (const button of document.querySelectorAll(".consent-choices button")) {
    button.addEventListener("click", () => choose(button.value === "true"));
  }
  // A browser that sends Sec-GPC has answered already: the server counts it as "no", and nobody asks again.
  if (navigator.globalPrivacyControl || lasting.get("consent") !== null) return;
  if (!(await alreadyChosen())) byId("consent").hidden = false;
}

/** The server remembers too, for a browser that forgot. `analytics` is null until somebody has chosen. */
async function alreadyChosen() {
  try {
    const { analytics } = await getConsent();
    return typeof analytics === "boolean";
  } catch {
    return true; // ask when the shop can hear the answer
  }
}

function open(opener) {
  openedFrom = opener;
  byId("consent").hidden = false;
  byId("consent-title").focus();
}

async function choose(analytics) {
  try {
    await putConsent(analytics);
  } catch {
    byId("consent-failed").textContent = t("consentFailed");
    return;
  }
  byId("consent-failed").textContent = "";
  lasting.set("consent", analytics);
  byId("consent").hidden = true;
  announce(t(analytics ? "consentThanks" : "consentDeclined"));
  (openedFrom ?? byId("content")).focus({ preventScroll: true });
  openedFrom = null;
}
