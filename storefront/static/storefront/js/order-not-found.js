// An order that this browser may not see, or that is not there: both are answered alike. Here is what may help.

import { probablyLoggedIn } from "./account.js";
import { showProblem } from "./dom.js";
import { t } from "./i18n.js";
import { loginPathBefore, productsPath } from "./paths.js";

export function showOrderNotFound() {
  showProblem(t("orderNotFound"), {
    actions: [
      !probablyLoggedIn() && { label: t("logIn"), href: loginPathBefore(location.pathname) },
      { label: t("goShopping"), href: productsPath },
    ],
  });
}
