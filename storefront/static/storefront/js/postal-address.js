import { countryName } from "./i18n.js";

/** A postal address on lines, for people. */
export const addressLines = ({ line1, line2, city, region, postalCode, country }) =>
  [line1, line2, [city, region, postalCode].filter(Boolean).join(", "), country && countryName(country)].filter(Boolean);
