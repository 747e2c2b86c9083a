// Who is logged in. The login's cookie is HttpOnly, so only the API knows; this browser remembers that somebody did log
// in here, so that guests' pages need not ask.

import { getAccount, logOut } from "./account-api.js";
import { lasting, tab } from "./storage.js";

let asked = null;
let learnt = 0; // how often this page heard who is logged in: an answer to what was asked before that is an old one

export const probablyLoggedIn = () => lasting.get("loggedIn") === true;

/** The account of whoever is logged in, or null. Asked once a page. Throws ApiError when nobody knows. */
export function currentAccount() {
  asked ??= ask();
  return asked;
}

/** The same for pages that work without: nobody is asked where nobody logged in, and no answer counts as nobody. */
export async function accountIfAny() {
  if (!probablyLoggedIn()) return null;
  try {
    return await currentAccount();
  } catch {
    return null; // the shop sells without an account too
  }
}

async function ask() {
  const before = learnt;
  try {
    const account = await getAccount();
    if (learnt === before) rememberLogin(true);
    return account;
  } catch (error) {
    if (error.code !== "NOT_AUTHENTICATED") {
      asked = null;
      throw error;
    }
    if (learnt === before) rememberLogin(false);
    return null;
  }
}

export function rememberLogin(loggedIn) {
  learnt += 1;
  if (loggedIn === probablyLoggedIn()) return;
  if (loggedIn) lasting.set("loggedIn", true);
  else lasting.remove("loggedIn");
  document.dispatchEvent(new CustomEvent("login-changed"));
}

/** Takes from this browser what the next one to use it should not find. The cart may stay: it says nothing of anybody. */
export function forgetPerson() {
  for (const name of ["checkout", "confirm", "address"]) tab.remove(name);
  lasting.remove("orderTokens");
  rememberLogin(false);
}

export async function endLogin() {
  await logOut();
  forgetPerson();
}
