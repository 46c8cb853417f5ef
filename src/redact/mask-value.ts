/** Masks the strings of a JSON value. */
import { isSecretField, isSecretValue } from './credential-rules.ts';
import { toMark } from './mark.ts';
import { maskText, type RedactRules } from './mask-text.ts';

/**
 * The same value with every string in it masked, the names of fields included. A field that is named as a credential
 * (`password`, `api_key`) has its text masked whole. What needs no masking is given back as it is, not copied.
 */
export function maskValue(
  value: unknown,
  rules: RedactRules,
  onMasked: (kind: string) => void = () => {},
): unknown {
  const mask = (inner: unknown): unknown => {
    if (typeof inner === 'string') return maskText(inner, rules, onMasked);
    if (typeof inner !== 'object' || inner === null) return inner;
    if (Array.isArray(inner)) {
      const items = inner.map(mask);
      return items.some((item, position) => item !== inner[position]) ? items : (inner as unknown);
    }
    let isChanged = false;
    const entries = Object.entries(inner).map(([name, field]): [string, unknown] => {
      const masked = maskField(name, field);
      const maskedName = name.length < 16 ? name : maskText(name, rules, onMasked);
      isChanged ||= masked !== field || maskedName !== name;
      return [maskedName, masked];
    });
    return isChanged ? Object.fromEntries(entries) : inner;
  };
  const maskField = (name: string, field: unknown): unknown => {
    if (
      typeof field === 'string' &&
      rules.kinds.includes('credentials') &&
      isSecretField(name) &&
      isSecretValue(field)
    ) {
      onMasked('password');
      return toMark('password');
    }
    return mask(field);
  };
  return mask(value);
}
