import { URL_LENGTH_MAX } from "./fields.ts";
import { refusedField } from "./refusal.ts";

/**
 * Reads an address that a shopper is sent back to, in the form in which it is stored and used (WHATWG URL). Refuses
 * anything but http and https, user names and passwords in it, and origins that the merchant didn't register: an open
 * redirect under the pay page's name would serve phishers.
 */
export function readReturnUrl(
  text: string,
  rule: { readonly field: "returnUrl" | "cancelUrl"; readonly origins: readonly string[] },
): string {
  const url = URL.parse(text);
  const refuse = (message: string) => refusedField("return_url_invalid", `/${rule.field}`, message);
  if (!url) throw refuse("must be a whole address, such as https://shop.example/paid");
  if (url.protocol !== "https:" && url.protocol !== "http:") throw refuse("must begin with https:// or http://");
  if (url.username !== "" || url.password !== "") throw refuse("must not hold a user name or password");
  if (url.href.length > URL_LENGTH_MAX) throw refuse(`must have at most ${URL_LENGTH_MAX} characters when encoded`);
  if (rule.origins.length > 0 && !rule.origins.includes(url.origin))
    throw refuse("must have one of the origins registered for this merchant");
  return url.href;
}
