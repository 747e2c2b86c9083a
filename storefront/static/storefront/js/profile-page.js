// The account: names and phone, e-mail address, password.

import { changeAccount } from "./account-api.js";
import { startAccountPage } from "./account-page.js";
import { byId } from "./dom.js";
import { sayDone, startForm } from "./forms.js";
import { t } from "./i18n.js";

const profile = byId("profile-form");
const email = byId("email-form");
const password = byId("password-form");

function show(account) {
  byId("account-email").textContent = account.email;
  byId("account-pending").hidden = !account.pendingEmail;
  byId("account-pending").textContent = t("emailPending", { email: account.pendingEmail });
  for (const name of ["firstName", "lastName", "phone"]) profile.elements[name].value = account[name];
}

startForm(profile, async (typed) => {
  show(await changeAccount(typed));
  sayDone(byId("profile-done"), t("saved"));
});

startForm(email, async (typed) => {
  show(await changeAccount(typed));
  email.reset();
  sayDone(byId("email-done"), t("emailAsked", { email: typed.email }));
});

startForm(password, async (typed) => {
  show(await changeAccount(typed));
  password.reset();
  sayDone(byId("password-done"), t("passwordChanged"));
});

startAccountPage(show);
