export default {
  testEnvironment: "node",
  injectGlobals: false,
  extensionsToTreatAsEsm: [".ts"],
  transform: { "\\.ts$": "<rootDir>/test/strip-types.js" },
  testMatch: ["<rootDir>/test/**/*.test.ts"],
  modulePathIgnorePatterns: ["<rootDir>/.cache"],
  globalSetup: "<rootDir>/test/support/postgres-once.ts",
  globalTeardown: "<rootDir>/test/support/postgres-stop.ts",
  // Calls wait for the clock, not for the processor: those of one file go on side by side.
  maxConcurrency: 30,
  testTimeout: 60_000,
};
