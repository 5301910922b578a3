/** The time at which a fault strikes is the test's own choice, so it waits for the clock and nothing else. */
export function delay(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
