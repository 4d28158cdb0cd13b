/** What an entry holds; the text itself where somebody changed it into what cannot be read. */
export function readBody(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return body;
  }
}
