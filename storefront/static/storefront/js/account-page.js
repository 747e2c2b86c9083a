// What the pages of an account have in common: they are for whoever is logged in.

import "./account-nav.js";
import { currentAccount } from "./account.js";
import { byId, showProblem } from "./dom.js";
import { t } from "./i18n.js";
import { loginPathBefore } from "./paths.js";
import { explain } from "./refusals.js";

/** Runs `show` with the account and uncovers the page's #account; leaves for the login when nobody is logged in. */
export async function startAccountPage(show) {
  let account;
  try {
    account = await currentAccount();
  } catch (error) {
    return showProblem(explain(error), { actions: [{ label: t("tryAgain"), run: () => location.reload() }] });
  }
  if (account === null) return location.replace(loginPathBefore(location.pathname));
  byId("account").hidden = false;
  return show(account);
}
