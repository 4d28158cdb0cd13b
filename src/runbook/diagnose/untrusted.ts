/** Line breaks, tabs and the odder spaces; not the byte order mark, which is none but matches \s. */
const spacing = /(?:(?!\uFEFF)[\s\u0085\u2800])+/gu;
/** Controls, bidi and zero-width characters, fillers, variation selectors, unassigned and private ones. */
const invisible = /[\p{Cc}\p{Cf}\p{Cn}\p{Co}\p{Cs}\p{Default_Ignorable_Code_Point}]/gu;
/** More marks than this on one letter only serve to paint over the lines around it. */
const stackedMarks = /(\p{M}{2})\p{M}+/gu;

/**
 * Text out of a database or a log as one line that can neither hide, reverse nor break what stands around it.
 * Says nothing about markup: the renderer puts it where none is interpreted.
 * @param maxCodePoints the longest result, its ellipsis included
 */
export function cleanUntrusted(text: string, maxCodePoints: number): string {
  // Enough for eight UTF-16 units per code point kept; a name of megabytes must not cost a scan of megabytes.
  const longest = maxCodePoints * 8;
  const clean = text
    .slice(0, longest)
    .replace(spacing, ' ')
    .replace(invisible, '')
    .replace(stackedMarks, '$1')
    .trim();
  const cut = cutCodePoints(clean, maxCodePoints);
  if (text.length <= longest || cut !== clean) return cut;
  return cutCodePoints(`${clean}…`, maxCodePoints);
}

/** Cuts between code points, never within a surrogate pair; the last one kept is then an ellipsis. */
export function cutCodePoints(text: string, maxCodePoints: number): string {
  if (text.length <= maxCodePoints) return text;
  const points = Array.from(text);
  if (points.length <= maxCodePoints) return text;
  return `${points.slice(0, Math.max(0, maxCodePoints - 1)).join('')}…`;
}
