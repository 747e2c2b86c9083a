import { element } from "./dom.js";
import { countryName } from "./i18n.js";

/** A postal address on lines, for people. */
export const addressLines = ({ line1, line2, city, region, postalCode, country }) =>
  [line1, line2, [city, region, postalCode].filter(Boolean).join(", "), country && countryName(country)].filter(Boolean);

export const fullName = ({ firstName, lastName }) => [firstName, lastName].filter(Boolean).join(" ");

/** A name and an address as lines of an `<address>`. */
export const nameAndAddress = (name, address) =>
  [name, ...addressLines(address)].filter(Boolean).map((line) => element("span", {}, line));
