/** Windows that pages are looked at in, in CSS pixels. */
export const PHONE = { width: 390, height: 844 };
export const DESKTOP = { width: 1280, height: 900 };
/** A phone of the smallest kind, and a desktop at 400 % (WCAG 1.4.10). */
export const NARROWEST = { width: 320, height: 800 };
/** Run in a page: by how much it is wider than its window. */
export const OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth";
