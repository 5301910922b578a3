/**
 * The arguments that Asterisk makes of a command line (parse_args in res_agi.c): words part at blanks, double quotes
 * keep blanks, a backslash takes the next character as it is, inside quotes and outside. Arguments beyond the table's
 * end are dropped.
 */
export function argumentsOf(line: string, argumentsMax: number): readonly string[] {
  const words: string[] = [];
  let word: string | null = null;
  let quoted = false;
  let escaped = false;
  const close = () => {
    if (word !== null && words.length < argumentsMax) words.push(word);
    word = null;
  };
  for (const character of line) {
    if (escaped) {
      word = (word ?? "") + character;
      escaped = false;
    } else if (character === "\\") {
      escaped = true;
    } else if (character === '"') {
      quoted = !quoted;
      if (quoted) word ??= "";
    } else if (!quoted && (character === " " || character === "\t")) {
      close();
    } else {
      word = (word ?? "") + character;
    }
  }
  close();
  return words;
}
