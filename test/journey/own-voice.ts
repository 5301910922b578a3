import { expect } from "@jest/globals";
import type { BrowserContext, Page } from "playwright-core";
import { eventually } from "../support/eventually.ts";

const KEEP_CONNECTIONS = `
  window.connections = [];
  window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(...options) {
      super(...options);
      window.connections.push(this);
    }
  };`;
/** Run in the page: how loud the call's own side is just now, from 0 to 1. */
const OWN_LEVEL = `(async () => {
  const report = await window.connections.at(-1).getStats();
  return [...report.values()].find(({ type }) => type === "media-source").audioLevel;
})()`;

/** Lets the calls of this context's pages be listened to. */
export async function keepConnections(context: BrowserContext): Promise<void> {
  await context.addInitScript(KEEP_CONNECTIONS);
}

/** In mid-call: the line is silent until the microphone is turned on, and again when it is turned off. */
export async function speakIn(phone: Page): Promise<void> {
  const level = () => phone.evaluate<number>(OWN_LEVEL);
  expect(await level()).toBe(0);
  await phone.click("[data-microphone]");
  await phone.locator("[data-microphone][aria-pressed=true]").waitFor();
  await eventually(async () => (await level()) > 0.01);
  await phone.click("[data-microphone]");
  await phone.locator("[data-microphone][aria-pressed=false]").waitFor();
  await eventually(async () => (await level()) === 0);
}
