// Register, and a forgotten password: both end in a mail, and say the same whoever has the address.

import { askForReset, register } from "./account-api.js";
import { byId } from "./dom.js";
import { startForm } from "./forms.js";
import { t } from "./i18n.js";

const form = byId("mail-form");
const calls = { register, forgotten: askForReset };

startForm(form, async (typed) => {
  await calls[form.dataset.purpose](typed);
  form.hidden = true;
  byId("mail-sent").hidden = false;
  byId("mail-sent-text").textContent = t(`${form.dataset.purpose}Sent`, { email: typed.email });
  byId("mail-sent-title").focus();
});
