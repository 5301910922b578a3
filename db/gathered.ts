/** Items in a batch at most: far more than come together, and few enough that no batch takes long. */
const BATCH_ITEMS_MAX = 100;

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Does together what is asked for at the same time, so that many share one statement and one commit. Nobody waits for
 * company: what comes while nothing is under way is done at once, and what comes meanwhile forms the next batch.
 * `perform` answers one result for each item, in their order; where it fails, all of its batch do.
 */
export function gathered<Item, Result>(
  perform: (items: readonly Item[]) => Promise<readonly Result[]>,
): (item: Item) => Promise<Result> {
  const waiting: Waiting<Item, Result>[] = [];
  let underWay = false;

  async function performAll(): Promise<void> {
    underWay = true;
    while (waiting.length > 0) await performBatch(waiting.splice(0, BATCH_ITEMS_MAX));
    underWay = false;
  }

  async function performBatch(batch: readonly Waiting<Item, Result>[]): Promise<void> {
    try {
      const results = await perform(batch.map(({ item }) => item));
      batch.forEach(({ resolve }, place) => {
        resolve(results[place] as Result);
      });
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      if (!underWay) void performAll();
    });
}
