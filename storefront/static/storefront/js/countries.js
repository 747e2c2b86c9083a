// The countries of an address, by their names in the shopper's language.

import { element } from "./dom.js";
import { countryName, language } from "./i18n.js";

const COUNTRIES =
  "AD AE AF AG AI AL AM AO AR AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BM BN BO BR BS BT BW BY BZ CA CD CF CG CH CI " +
  "CK CL CM CN CO CR CU CV CW CY CZ DE DJ DK DM DO DZ EC EE EG ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM " +
  "GN GP GQ GR GT GU GW GY HK HN HR HT HU ID IE IL IM IN IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB " +
  "LC LI LK LR LS LT LU LV LY MA MC MD ME MG MH MK ML MM MN MO MQ MR MS MT MU MV MW MX MY MZ NA NC NE NG NI NL NO NP NR " +
  "NZ OM PA PE PF PG PH PK PL PM PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SI SK SL SM SN SO SR SS ST SV SY SZ " +
  "TC TD TG TH TJ TL TM TN TO TR TT TV TW TZ UA UG US UY UZ VA VC VE VG VI VN VU WS XK YE YT ZA ZM ZW";

/** The country of the browser's own language tag ("en-GB"), else a likely one for the language. */
export function likelyCountry() {
  const region = (navigator.languages ?? []).map((tag) => tag.split("-")[1]).find((part) => /^[A-Z]{2}$/.test(part));
  return language === "vi" ? "VN" : (region ?? "GB");
}

/** Fills a select with all countries. */
export function fillCountries(select) {
  const options = COUNTRIES.split(" ").map((code) => ({ code, name: countryName(code) }));
  options.sort((a, b) => a.name.localeCompare(b.name, language));
  select.append(...options.map(({ code, name }) => element("option", { value: code }, name)));
  select.value = likelyCountry();
}
