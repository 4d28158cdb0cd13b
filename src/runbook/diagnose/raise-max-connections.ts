/** Room for half as many again is as much as memory planned for the old value is likely to bear. */
const growth = 1.5;

/** What max_connections is raised to when nobody names a number: half as many again, in tens. */
export function raiseMaxConnections(from: number): number {
  return Math.ceil((from * growth) / 10) * 10;
}
