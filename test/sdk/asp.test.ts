import { afterAll, beforeAll } from "@jest/globals";
import { aspKit } from "./asp-kit.ts";
import { describeKit } from "./kit-cases.ts";
import { describeShop } from "./shop-cases.ts";
import { describeStrangers } from "./stranger-cases.ts";
import { Wine } from "./wine.ts";

const SET_UP_TIMEOUT_MS = 200_000;

let wine: Wine;
beforeAll(async () => {
  wine = await Wine.start();
}, SET_UP_TIMEOUT_MS);
afterAll(async () => {
  await wine[Symbol.asyncDispose]();
});

describeKit(async () => aspKit(wine));
describeStrangers(async () => aspKit(wine));
describeShop(async () => aspKit(wine));
