/** What a composition of tests is configured by: receivers are on this machine. */
export const WEBHOOKS = { key: "a-webhook-key-for-tests-only", privateAddresses: true } as const;
