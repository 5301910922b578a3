import { request } from "node:http";

/** What a proxy class that wsdl.exe made (System.Web.Services.Protocols.SoapHttpClientProtocol) puts on the wire. */
export async function dotnetCall(
  wsdl: string,
  operation: string,
  parameters: Readonly<Record<string, string | number>>,
): Promise<{ readonly status: number; readonly body: string }> {
  const description = await (await fetch(wsdl)).text();
  const address = /<soap:address location="([^"]+)"/.exec(description)?.[1] ?? "";
  const action = new RegExp(`soapAction="([^"]*/${operation})"`).exec(description)?.[1] ?? "";
  const escaped = (value: string) => value.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  const fields = Object.entries(parameters).map(([name, value]) => `<${name}>${escaped(String(value))}</${name}>`);
  const body = `<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema"><soap:Body><${operation} xmlns="urn:phone2pay:webservices">${fields.join("")}</${operation}></soap:Body></soap:Envelope>`;
  const headers = {
    "user-agent": "Mozilla/4.0 (compatible; MSIE 6.0; MS Web Services Client Protocol 4.0.30319.42000)",
    vsdebuggercausalitydata: "uIDPo0+HAAAA",
    "content-type": "text/xml; charset=utf-8",
    soapaction: `"${action}"`,
    "content-length": Buffer.byteLength(body),
    // The framework waits for «100 Continue» before it sends a body.
    expect: "100-continue",
  };
  return new Promise((resolve, reject) => {
    const call = request(address, { method: "POST", headers });
    call.on("error", reject);
    call.on("continue", () => call.end(body));
    call.on("response", (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body: text }));
    });
    call.flushHeaders();
  });
}
