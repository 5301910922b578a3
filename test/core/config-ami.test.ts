import { expect, test } from "@jest/globals";
import { readConfig } from "../../core/config.ts";

const ENOUGH = {
  DATABASE_URL: "postgres://phone2pay@127.0.0.1/phone2pay",
  PHONE2PAY_AGI_SECRET: "sixteen characters",
  PHONE2PAY_CALLER_HASH_KEY: "sixteen characters",
  PHONE2PAY_WEBHOOK_KEY: "sixteen characters",
};
const AMI = {
  PHONE2PAY_AMI_HOST: "127.0.0.1",
  PHONE2PAY_AMI_PORT: "5038",
  PHONE2PAY_AMI_USER: "phone2pay",
  PHONE2PAY_AMI_SECRET: "sixteen characters",
};

test("Asterisk's manager interface is configured as a whole or not at all", () => {
  expect(readConfig(ENOUGH).ami).toBeNull();
  expect(readConfig({ ...ENOUGH, ...AMI }).ami).toEqual({
    host: "127.0.0.1",
    port: 5038,
    user: "phone2pay",
    secret: "sixteen characters",
  });
  for (const missing of Object.keys(AMI)) {
    expect(() => readConfig({ ...ENOUGH, ...AMI, [missing]: "" })).toThrow(`${missing}: missing`);
  }
});
