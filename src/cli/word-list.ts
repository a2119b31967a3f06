/**
 * The words of a list as QEMU's options have them, `file=disk.img,snapshot=on`. A comma that is part of a word is
 * written twice.
 */
export function wordsOf(list: string): string[] {
  return list
    .replaceAll(',,', '\0')
    .split(',')
    .map((word) => word.replaceAll('\0', ','));
}

/** Parts a word at its first `=`; there is no value where there is none. */
export function keyAndValue(word: string): readonly [key: string, value: string | undefined] {
  const at = word.indexOf('=');
  return at < 0 ? [word, undefined] : [word.slice(0, at), word.slice(at + 1)];
}
