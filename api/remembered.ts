/** Answers that are remembered at a time; beyond, all are forgotten and asked for again. */
const ANSWERS_MAX = 10_000;

/**
 * Asks once for all who want to know the same within `milliseconds`, so that a busy shop's key and numbers aren't read
 * for each of its requests. For what may be that old: as if the request had come so much sooner. What nobody knows
 * (null), and what fails, is asked for again each time.
 */
export function remembered<Key, Answer>(
  milliseconds: number,
  ask: (key: Key) => Promise<Answer>,
): (key: Key) => Promise<Answer> {
  const answers = new Map<Key, { readonly answer: Promise<Answer>; readonly until: number }>();
  return (key) => {
    const known = answers.get(key);
    if (known && performance.now() < known.until) return known.answer;
    if (answers.size >= ANSWERS_MAX) answers.clear();
    const entry = { answer: ask(key), until: performance.now() + milliseconds };
    const forget = () => answers.get(key) === entry && answers.delete(key);
    entry.answer.then((answer) => answer === null && forget(), forget);
    if (milliseconds > 0) answers.set(key, entry);
    return entry.answer;
  };
}
