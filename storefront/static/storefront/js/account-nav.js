// The links between the pages of an account, and the way out.

import { endLogin } from "./account.js";
import { ApiError } from "./api.js";
import { byId, whileBusy } from "./dom.js";
import { showRefusalOf } from "./forms.js";
import { productsPath } from "./paths.js";

async function leave() {
  try {
    await endLogin();
    location.assign(productsPath);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    showRefusalOf(error);
  }
}

for (const link of document.querySelectorAll(".account-nav a")) {
  if (link.pathname === location.pathname) link.setAttribute("aria-current", "page");
}
byId("log-out").addEventListener("click", ({ currentTarget }) => whileBusy(currentTarget, leave));
// Back after logging out: the browser may show the page as it was left, with somebody's data on it.
window.addEventListener("pageshow", (event) => event.persisted && location.reload());
