// What every page has: its language, who is logged in, the number of pieces in the cart, the consent banner.

import { accountIfAny, probablyLoggedIn } from "./account.js";
import { accountPath, cartPath, loginPath } from "./paths.js";
import { pieces } from "./cart.js";
import { startConsent } from "./consent.js";
import { byId } from "./dom.js";
import { language, number, t, translatePage } from "./i18n.js";

function showCartCount() {
  const count = pieces();
  byId("cart-count").textContent = count ? number(count) : "";
  byId("cart-count").hidden = count === 0;
  document.querySelector(".cart-link").setAttribute("aria-label", t("cartWithCount", { count }));
}

/** At once as this browser remembers it, then as the API says. */
async function showLogin() {
  showLoginLink(probablyLoggedIn());
  const account = await accountIfAny();
  showLoginLink(account !== null || probablyLoggedIn(), account?.email);
}

function showLoginLink(loggedIn, email) {
  const link = byId("account-link");
  link.textContent = t(loggedIn ? "account" : "logIn");
  link.href = loggedIn ? accountPath : loginPath;
  if (email) link.setAttribute("aria-label", t("accountOf", { email }));
  else link.removeAttribute("aria-label");
}

function showLanguages() {
  for (const link of document.querySelectorAll("[data-language]")) {
    if (link.dataset.language === language) link.setAttribute("aria-current", "true");
    // The rest of the address stays, so that a search stays a search.
    const here = new URL(location.href);
    here.searchParams.set("lang", link.dataset.language);
    link.href = here.pathname + here.search;
  }
}

translatePage();
showLanguages();
showCartCount();
showLogin();
document.addEventListener("cart-changed", showCartCount);
document.addEventListener("login-changed", showLogin);
for (const happened of ["storage", "pageshow"]) {
  // Another tab changed the cart or the login, or the page comes back as it was left.
  window.addEventListener(happened, () => {
    showCartCount();
    showLogin();
  });
}
if (location.pathname === cartPath) document.querySelector(".cart-link").setAttribute("aria-current", "page");
startConsent();
