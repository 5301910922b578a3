/** The merchant's address with the id, and only the id, added to what its query holds already. */
export function withTransaction(address: string, id: string): string {
  const target = new URL(address);
  target.search = target.search === "" ? `?transaction=${id}` : `${target.search}&transaction=${id}`;
  return target.href;
}
