// What every page has: its language, the number of pieces in the cart, the consent banner.

import { cartPath } from "./paths.js";
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
document.addEventListener("cart-changed", showCartCount);
window.addEventListener("storage", showCartCount); // another tab changed the cart
window.addEventListener("pageshow", (event) => event.persisted && showCartCount());
if (location.pathname === cartPath) document.querySelector(".cart-link").setAttribute("aria-current", "page");
startConsent();
