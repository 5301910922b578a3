import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import Fastify from "fastify";
import { merchantApi } from "../../api/routes.ts";
import { ApiUnderTest, ORDER, PUBLIC_WEBHOOKS } from "./api-app.ts";
import { dotnetCall } from "./soap-clients/dotnet.ts";
import { addLogin, SERVICE } from "./webservices-app.ts";

const run = promisify(execFile);
const CLIENTS = path.join(import.meta.dirname, "soap-clients");

let api: ApiUnderTest;
let wsdl: string;
let login: Readonly<Record<string, string>>;
const resources = new AsyncDisposableStack();

beforeAll(async () => {
  api = resources.use(await ApiUnderTest.start());
  login = await addLogin(api.db, api.seeded.merchantId);
  // The service description names the address under which the server is reached, so that has to be known first.
  const probe = Fastify();
  const origin = await probe.listen({ host: "127.0.0.1", port: 0 });
  await probe.close();
  const server = Fastify({ forceCloseConnections: true });
  await server.register(merchantApi, { db: api.db, baseUrl: origin, webhooks: PUBLIC_WEBHOOKS });
  resources.defer(() => server.close());
  await server.listen({ host: "127.0.0.1", port: Number(new URL(origin).port) });
  wsdl = `${origin}${SERVICE}?WSDL`;
});
afterAll(() => resources.disposeAsync());

interface Answer {
  readonly result?: Readonly<Record<string, unknown>>;
  readonly fault?: string;
  readonly code?: string;
}
type Client = (operation: string, parameters: Readonly<Record<string, string | number>>) => Promise<Answer>;

function program(command: string, file: string, ...more: readonly string[]): Client {
  return async (operation, parameters) => {
    const { stdout } = await run(command, [
      path.join(CLIENTS, file),
      wsdl,
      operation,
      JSON.stringify(parameters),
      ...more,
    ]);
    return JSON.parse(stdout) as Answer;
  };
}

const dotnet: Client = async (operation, parameters) => {
  const { status, body } = await dotnetCall(wsdl, operation, parameters);
  const fields = (markup: string) =>
    Object.fromEntries([...markup.matchAll(/<(\w+)>([^<]*)<\/\1>/g)].map(([, name, value]) => [name, value]));
  const result = new RegExp(`<${operation}Result>(.*)</${operation}Result>`, "s").exec(body)?.[1];
  if (result !== undefined && status === 200) return { result: fields(result) };
  const { faultcode = "", code = "" } = fields(body);
  return { fault: faultcode, code: status === 500 ? code : `HTTP ${status}` };
};

const ALL: readonly (readonly [string, Client, string])[] = [
  ["PHP's SoapClient, SOAP 1.1", program("php", "client.php"), "soap:Client"],
  ["PHP's SoapClient, SOAP 1.2", program("php", "client.php", "1.2"), "soap:Sender"],
  ["Perl's SOAP::Lite", program("perl", "client.pl"), "soap:Client"],
  ["Python's standard library, SOAP 1.1", program("python3", "client.py"), "soap:Client"],
  ["Python's standard library, SOAP 1.2", program("python3", "client.py", "1.2"), "soap:Sender"],
  ["a .NET proxy class", dotnet, "soap:Client"],
];

test.each(ALL)("%s creates, checks and redeems through the WSDL", async (name, call, clientFault) => {
  const order = { ...ORDER, reference: name, accessDays: 2 };
  const created = await call("CreateTransaction", { ...login, ...order });
  expect(created).toMatchObject({
    result: { status: "open", description: ORDER.description, reference: name, currency: "CHF" },
  });
  const { id, amount, accessDays, test: isTest } = created.result ?? {};
  expect([Number(amount), Number(accessDays), [false, "false"].includes(isTest as string)]).toEqual([100, 2, true]);
  const one = { ...login, id: String(id).toLowerCase().replaceAll("-", "") };
  expect(await call("RedeemTransaction", one)).toMatchObject({ fault: clientFault, code: "transaction_not_paid" });
  await api.pay(String(id));
  expect(await call("CheckTransaction", one)).toMatchObject({ result: { id, status: "paid" } });
  const redeemed = await call("RedeemTransaction", one);
  expect(redeemed).toMatchObject({ result: { status: "redeemed", redeemedBy: "disques" } });
  expect(await call("RedeemTransaction", one)).toMatchObject({ code: "transaction_already_redeemed" });
  const stranger = await call("CheckTransaction", { ...one, password: "wrong" });
  expect(stranger).toMatchObject({ fault: clientFault, code: "credentials_invalid" });
});
