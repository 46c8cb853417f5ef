/** Whatever the file looks like: only lines of the four lists change, the data is the intended one, and twice is once. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { planOne } from './plan-one.ts';

const name = fc.constantFrom(
  'langfuse',
  'mlflow',
  'mlflow_callback.handler',
  'prometheus',
  's3_v2',
);
const comment = fc.constantFrom('', ' # why: "this"', ' # mlflow, [langfuse]');
const quoted = fc
  .tuple(name, fc.constantFrom('', '"', "'"))
  .map(([text, mark]) => mark + text + mark);
const names = fc.uniqueArray(quoted, {
  maxLength: 4,
  selector: (text) => text.replaceAll(/["']/g, ''),
});

const list = (key: string): fc.Arbitrary<string[]> =>
  fc.oneof(
    fc.constant<string[]>([]),
    comment.map((note) => [`  ${key}:${note}`]),
    fc.tuple(quoted, comment).map(([text, note]) => [`  ${key}: ${text}${note}`]),
    fc
      .tuple(names, fc.constantFrom(', ', ' , ', ','), comment)
      .map(([texts, comma, note]) => [`  ${key}: [ ${texts.join(comma)} ]${note}`]),
    fc
      .tuple(
        names,
        fc.constantFrom('  ', '    '),
        fc.array(comment, { minLength: 4, maxLength: 4 }),
      )
      .filter(([texts]) => texts.length > 0)
      .map(([texts, indent, notes]) => [
        `  ${key}:`,
        ...texts.map((text, index) => `${indent}- ${text}${notes[index]}`),
      ]),
  );
const other = fc.constantFrom(
  ['  # a note of the team'],
  ['  drop_params:   true # spaces'],
  ['  cache_params:', "    type: 'redis' # x", '', '    ttl: 0x10'],
  ['  motto: |', '    success_callback: [a]', '', '    - b'],
);
const lists = fc
  .tuple(
    list('success_callback'),
    list('failure_callback'),
    list('callbacks'),
    list('langfuse_default_tags'),
    fc.uniqueArray(other, { maxLength: 3 }),
  )
  .chain(([one, two, three, four, rest]) =>
    fc.shuffledSubarray([one, two, three, four, ...rest], { minLength: 4 + rest.length }),
  );
const file = fc
  .record({
    lists,
    head: fc.constantFrom([], ['# top', '', 'model_list:', '  - model_name: "a"  # b']),
    tail: fc.constantFrom([], ['', 'general_settings: {master_key: os.environ/KEY}', '# end']),
    eol: fc.constantFrom('\n', '\r\n'),
    end: fc.boolean(),
    bom: fc.constantFrom('', '\uFEFF'),
  })
  .map(({ lists: parts, head, tail, eol, end, bom }) => {
    const lines = [...head, 'litellm_settings:', ...parts.flat(), ...tail];
    return { text: bom + lines.join(eol) + (end ? eol : ''), eol, end, bom };
  });

/** Comments that do not stand beside a name that goes, in their order. */
function otherLines(text: string): string[] {
  return text
    .replaceAll('\r\n', '\n')
    .split('\n')
    .filter(
      (line) =>
        !/^ +-|^ {6}|^ {2}\]|^ {2}(success_callback|failure_callback|callbacks|langfuse_default)/.test(
          line,
        ),
    );
}

test('any file, with and without mlflow', () => {
  fc.assert(
    fc.property(file, fc.boolean(), ({ text, eol, end, bom }, removesMlflow) => {
      // One line without a line end says nothing of the line ends that are wanted.
      fc.pre(text.includes(eol));
      const { text: edited, changes } = planOne(text, removesMlflow);
      expect(otherLines(edited)).toEqual(otherLines(text));
      expect(edited.endsWith('\n')).toBe(end);
      expect(edited.startsWith('\uFEFF')).toBe(bom !== '');
      expect(edited.replaceAll(eol, '').includes('\n')).toBe(false);
      expect(planOne(edited, removesMlflow)).toMatchObject({ text: edited, changes: [] });
      expect(changes.length > 0).toBe(edited !== text);

      const { litellm_settings: settings } = parse(edited) as {
        litellm_settings: Record<string, string[] | null>;
      };
      const namesIn = (key: string): string[] => [settings[key] ?? []].flat();
      const told = ['success_callback', 'failure_callback'].map(
        (key) => namesIn(key).filter((one) => one === 'langfuse').length,
      );
      expect(namesIn('callbacks').includes('langfuse') || told.every((times) => times === 1)).toBe(
        true,
      );
      const all = ['success_callback', 'failure_callback', 'callbacks'].flatMap(namesIn);
      expect(removesMlflow && all.join(' ').includes('mlflow')).toBe(false);
      // What stands beside a name goes only with that name.
      const notes = (whole: string): number => whole.split('# why').length;
      expect(removesMlflow || notes(edited) === notes(text)).toBe(true);
    }),
    { numRuns: 600 },
  );
});
