/** What the work answers or, when it takes longer than `milliseconds`, what `late` does; the work goes on all the same. */
export async function inTime<T, Late>(work: Promise<T>, milliseconds: number, late: () => Late): Promise<T | Late> {
  let timer: NodeJS.Timeout | undefined;
  const timeUp = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  }).then(late);
  return Promise.race([work, timeUp]).finally(() => clearTimeout(timer));
}
