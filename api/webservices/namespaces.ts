/** Of all that the old-style services say and read. */
export const NAMESPACE = "urn:phone2pay:webservices";
/** Under `/webservices`. */
export const SERVICE_PATH = "/phone2pay.asmx";

export type SoapVersion = "1.1" | "1.2";
export const ENVELOPES: Readonly<Record<SoapVersion, string>> = {
  "1.1": "http://schemas.xmlsoap.org/soap/envelope/",
  "1.2": "http://www.w3.org/2003/05/soap-envelope",
};
export const SOAP_TYPES: Readonly<Record<SoapVersion, string>> = {
  "1.1": "text/xml",
  "1.2": "application/soap+xml",
};

/** What SOAPAction says for an operation. */
export function actionOf(operation: string): string {
  return `${NAMESPACE}/${operation}`;
}
