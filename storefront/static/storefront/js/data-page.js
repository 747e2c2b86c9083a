// One's own data: a copy of everything to keep, and erasing it.

import { eraseAccount, exportAccount } from "./account-api.js";
import { startAccountPage } from "./account-page.js";
import { forgetPerson } from "./account.js";
import { ApiError } from "./api.js";
import { byId, clearProblem, element, whileBusy } from "./dom.js";
import { sayDone, showRefusalOf, startForm } from "./forms.js";
import { t } from "./i18n.js";
import { explain, fieldErrors } from "./refusals.js";

const dialog = byId("erase-dialog");

async function download() {
  try {
    clearProblem();
    save("account.json", JSON.stringify(await exportAccount(), null, 2));
    sayDone(byId("export-done"), t("exportDone"));
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    showRefusalOf(error);
  }
}

function save(name, text) {
  const address = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  element("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

startForm(byId("erase-form"), async (typed) => {
  await eraseAccount(typed);
  forgetPerson();
  dialog.close();
  byId("account").hidden = true;
  byId("erased").hidden = false;
  byId("erased-title").focus();
}, { errorsOf: errorsInDialog });

/** Whatever it is, it is said in the dialog: behind it nobody would see it. */
function errorsInDialog(error) {
  const { currentPassword } = fieldErrors(error);
  return { currentPassword: currentPassword ?? [explain(error)] };
}

byId("export").addEventListener("click", ({ currentTarget }) => whileBusy(currentTarget, download));
byId("erase-open").addEventListener("click", () => dialog.showModal());
byId("erase-keep").addEventListener("click", () => dialog.close());
dialog.addEventListener("close", () => byId("erase-form").reset());
startAccountPage(() => {});
