// What the list and the product page share.

/** A category comes as its slug: `"living-room"` as Living room. */
export const categoryLabel = (slug) => slug.charAt(0).toUpperCase() + slug.slice(1).replaceAll("-", " ");
