// Logging in. Address and password are refused together, so nobody learns which of them was wrong.

import { logIn } from "./account-api.js";
import { currentAccount, rememberLogin } from "./account.js";
import { byId } from "./dom.js";
import { startForm } from "./forms.js";
import { pathAfterLogin } from "./paths.js";
import { explain, fieldErrors } from "./refusals.js";

const form = byId("login-form");

startForm(form, async (typed) => {
  await logIn(typed);
  rememberLogin(true);
  location.replace(pathAfterLogin());
}, {
  errorsOf: (error) => (error.code === "INVALID_CREDENTIALS" ? { password: [explain(error)] } : fieldErrors(error)),
});

async function start() {
  try {
    if ((await currentAccount()) !== null) location.replace(pathAfterLogin());
  } catch {
    // Nobody knows yet; whoever wants to log in will find out.
  }
}

start();
