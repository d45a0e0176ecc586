/** The known name that was probably meant. Upper case and underscores do not count. */
export function resembling(name: string, known: readonly string[]): string | undefined {
  const nearest = (edits: number): string | undefined =>
    known.find((candidate) => isReached(letters(name), letters(candidate), edits));
  return nearest(0) ?? nearest(1) ?? nearest(2);
}

function letters(name: string): string {
  return name.replaceAll('_', '').toLowerCase();
}

/** Edit distance: whether one text becomes the other by so many edits at most. An edit adds, removes or replaces a letter. */
function isReached(from: string, to: string, edits: number): boolean {
  if (from === to || edits === 0) {
    return from === to;
  }
  if (from[0] === to[0]) {
    return isReached(from.slice(1), to.slice(1), edits);
  }
  return (
    isReached(from.slice(1), to, edits - 1) ||
    isReached(from, to.slice(1), edits - 1) ||
    isReached(from.slice(1), to.slice(1), edits - 1)
  );
}
