import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** The site a shopper comes back to: remembers who came, and sends on to another name what asks for `/moved`. */
export interface ShopSite extends AsyncDisposable {
  readonly address: string;
  readonly visits: readonly { readonly url: string; readonly referer: string | undefined }[];
}

export async function openShopSite(): Promise<ShopSite> {
  const visits: { url: string; referer: string | undefined }[] = [];
  const server = createServer(({ url = "", headers }, response) => {
    if (url !== "/favicon.ico") visits.push({ url, referer: headers.referer });
    const elsewhere = `${address.replace("127.0.0.1", "localhost")}/arrived`;
    if (url.startsWith("/moved")) response.writeHead(302, { location: elsewhere }).end();
    else response.setHeader("content-type", "text/html").end("<title>Shop</title>Merci");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    address,
    visits,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
