/** A team's own patterns, run by RE2: whatever a pattern says, its time grows with the length of the text alone. */
import { loadRe2 } from '../shared/load-re2.ts';
import type { OwnPattern } from './mask-text.ts';

const marks = /(\[redacted: [^\]\n]{1,64}\])/;

/** Throws where RE2 does not take the pattern; settings have checked that before. */
export function compileOwnPattern(own: {
  readonly name: string;
  readonly pattern: string;
}): OwnPattern {
  const compiled = loadRe2().compile(own.pattern);
  const replaceIn = (text: string, mark: string): { text: string; count: number } => {
    const matcher = compiled.matcher(text);
    let at = 0;
    let count = 0;
    let replaced = '';
    while (matcher.find()) {
      if (matcher.end() === matcher.start()) continue;
      replaced += text.slice(at, matcher.start()) + mark;
      at = matcher.end();
      count += 1;
    }
    return { text: replaced + text.slice(at), count };
  };
  return {
    name: own.name,
    source: own.pattern,
    // What is masked already is left alone: a pattern may find the words of a mark.
    replace: (text, mark) => {
      let count = 0;
      const parts = text.split(marks).map((part, position) => {
        if (position % 2 === 1) return part;
        const replaced = replaceIn(part, mark);
        count += replaced.count;
        return replaced.text;
      });
      return { text: count === 0 ? text : parts.join(''), count };
    },
  };
}
