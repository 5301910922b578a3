export default {
  testEnvironment: "node",
  injectGlobals: false,
  extensionsToTreatAsEsm: [".ts"],
  transform: { "\\.ts$": "<rootDir>/test/strip-types.js" },
  testMatch: ["<rootDir>/test/**/*.test.ts"],
  modulePathIgnorePatterns: ["<rootDir>/.cache"],
  globalSetup: "<rootDir>/test/support/postgres-once.ts",
  globalTeardown: "<rootDir>/test/support/postgres-stop.ts",
  testTimeout: 60_000,
};
