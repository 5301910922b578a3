import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import { OpenStreams } from "../../web/open-streams.ts";

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

test("each stream beats once in fifteen seconds, and no second has more than its share of the beats", () => {
  const streams = new OpenStreams();
  const beats = Array.from({ length: 300 }, () => 0);
  const letGo = beats.map((_, index) =>
    streams.keep({
      beat: () => {
        beats[index] = (beats[index] ?? 0) + 1;
      },
      close: () => {},
    }),
  );
  const all = () => beats.reduce((sum, count) => sum + count, 0);
  for (let second = 1; second <= 15; second++) {
    jest.advanceTimersByTime(1_000);
    expect(all()).toBe(second * 20);
  }
  expect(new Set(beats)).toEqual(new Set([1]));
  for (const stop of letGo) stop();
  jest.advanceTimersByTime(15_000);
  expect(all()).toBe(300);
  streams.close();
});

test("a stream that comes while the server is ending is closed at once", () => {
  const streams = new OpenStreams();
  streams.close();
  let closed = 0;
  streams.keep({ beat: () => {}, close: () => closed++ });
  expect(closed).toBe(1);
});
