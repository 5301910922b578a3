/** Types for the tests; start.mjs itself runs where no compiler is installed yet. */
export function needsInstall(directory: string): boolean;
export function findNode(
  directory: string,
  running?: { readonly path: string; readonly version: string },
): string | null;
export function exitCodeOf(code: number | null, signal: string | null): number;
