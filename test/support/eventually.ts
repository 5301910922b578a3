type Answer<T> = T | null | undefined | false;

/** Waits, by asking every 20 ms, until `happened` answers something; for what has no event to wait for, like another process. */
export async function eventually<T>(happened: () => Answer<T> | Promise<Answer<T>>, withinMs = 15_000): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const value = await happened();
    if (value) return value;
    if (performance.now() > deadline) throw new Error("it did not happen in time");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
