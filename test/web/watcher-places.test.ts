import { expect, test } from "@jest/globals";
import { WatcherPlaces } from "../../web/watcher-places.ts";

const OF_ADDRESS = 1_000;
const OF_ALL = 10_000;

test("nobody takes all places: an address has its share, and a place that is given back, once or twice, is one place", () => {
  const places = new WatcherPlaces();
  const taken = Array.from({ length: OF_ADDRESS }, () => places.take("192.0.2.1"));
  expect(taken).not.toContain(null);
  expect(places.take("192.0.2.1")).toBeNull();
  expect(places.take("192.0.2.2")).not.toBeNull();
  taken[0]?.();
  taken[0]?.();
  expect(places.take("192.0.2.1")).not.toBeNull();
  expect(places.take("192.0.2.1")).toBeNull();
});

test("the addresses of one IPv6 subscriber have one share", () => {
  const places = new WatcherPlaces();
  for (let n = 0; n < OF_ADDRESS; n++) expect(places.take(`2001:db8::${n.toString(16)}`)).not.toBeNull();
  expect(places.take("2001:db8::ffff:1")).toBeNull();
  expect(places.take("2001:db8:0:1::1")).not.toBeNull();
});

test("a process has so many places for all", () => {
  const places = new WatcherPlaces();
  const taken = Array.from({ length: OF_ALL }, (_, n) => places.take(`10.0.${n >> 8}.${n & 255}`));
  expect(taken).not.toContain(null);
  expect(places.take("192.0.2.1")).toBeNull();
});
