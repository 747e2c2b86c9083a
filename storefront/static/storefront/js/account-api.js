// The account calls. The login is a cookie (HttpOnly) that the browser keeps; the CSRF token is api.js's business.
//
// Addresses with and without an account are answered alike: what is to be said is said in a mail.

import { call } from "./api.js";

/** Asks for an account. The address is sent a link to the page `verify`; nobody is logged in by this. */
export const register = (person) => call("POST", "/storefront/auth/register", { body: person });

/** Proves an address by the token of the link and the account's password. */
export const verifyEmail = ({ token, password }) =>
  call("POST", "/storefront/auth/verify-email", { body: { token, password } });

/** Logs in and answers the account, or refuses with INVALID_CREDENTIALS. */
export const logIn = ({ email, password }) => call("POST", "/storefront/auth/login", { body: { email, password } });

/** Logs out and ends the visit. */
export const logOut = () => call("POST", "/storefront/auth/logout");

/** Has a link to the page `reset` sent to the address, if it has an account. */
export const askForReset = ({ email }) => call("POST", "/storefront/auth/password/reset", { body: { email } });

/** Sets a new password by the token of the link. */
export const resetPassword = ({ token, password }) =>
  call("POST", "/storefront/auth/password/reset/confirm", { body: { token, password } });

/** The account, or NOT_AUTHENTICATED when nobody is logged in. */
export const getAccount = () => call("GET", "/storefront/account");

/** Changes what is named. `addresses` replaces all; `email` and `password` need `currentPassword`. */
export const changeAccount = (change) => call("PATCH", "/storefront/account", { body: change });

/** Everything held about whoever is logged in. */
export const exportAccount = () => call("GET", "/storefront/account/export");

/** Erases the account, but for what invoices must keep. */
export const eraseAccount = ({ currentPassword }) =>
  call("DELETE", "/storefront/account", { body: { currentPassword } });
