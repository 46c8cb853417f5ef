import { createTwoFilesPatch } from 'diff';
import { maskConfig } from './mask-config.ts';

/** The change of a config as a unified diff, with `***` for whatever may be secret. Empty where nothing changes. */
export function renderDiff(
  name: string,
  { before, after }: { readonly before: string; readonly after: string },
): string {
  if (before === after) return '';
  const patch = createTwoFilesPatch(name, name, maskConfig(before), maskConfig(after), '', '', {
    context: 3,
  });
  // It begins as Subversion's diffs do, with the name and a rule of equals signs.
  return patch.replace(/^(Index: .*\n)?=+\n/, '').replaceAll('\r\n', '\n');
}
