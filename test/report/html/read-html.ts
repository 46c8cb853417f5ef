/** Reads a page with another parser than the one that made its charts. */
import { parse, type DefaultTreeAdapterTypes } from 'parse5';

export interface PageElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly text: string;
  readonly children: readonly PageElement[];
}

/** Every element of the page, in order of the text. Throws when the parser finds the page at fault. */
export function readHtml(page: string): PageElement[] {
  const faults: string[] = [];
  const document = parse(page, {
    onParseError: (fault) => faults.push(`${fault.code} at ${fault.startLine}`),
    sourceCodeLocationInfo: true,
  });
  if (faults.length > 0) throw new Error(`the page is no HTML: ${faults.join(', ')}`);
  return document.childNodes.flatMap(toElements).flatMap(withAll);
}

function toElements(node: DefaultTreeAdapterTypes.ChildNode): PageElement[] {
  if (!('tagName' in node)) return [];
  return [
    {
      name: node.tagName,
      attributes: Object.fromEntries(node.attrs.map(({ name, value }) => [name, value])),
      text: toText(node),
      children: node.childNodes.flatMap(toElements),
    },
  ];
}

function toText(node: DefaultTreeAdapterTypes.ChildNode): string {
  if ('value' in node) return node.value;
  return 'childNodes' in node ? node.childNodes.map(toText).join('') : '';
}

function withAll(element: PageElement): PageElement[] {
  return [element, ...element.children.flatMap(withAll)];
}
