/** Personal data that is masked on request: e-mail addresses and telephone numbers. */
import type { RedactRule } from './rule.ts';

export const emailRule: RedactRule = {
  kind: 'email',
  triggers: ['@', '%40'],
  pattern:
    /(?<![A-Za-z0-9._%+-])(?<secret>[A-Za-z0-9._%+-]{1,64}(?:@|%40)[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,8}\.[A-Za-z]{2,24})(?![A-Za-z0-9-])/g,
};

/**
 * International numbers with `+` or `00`, and North American ones with their separators. A run of digits alone is
 * no telephone number: it may as well be a time, an id or a price.
 */
export const phoneRule: RedactRule = {
  kind: 'phone',
  triggers: [],
  pattern:
    /(?<![A-Za-z0-9.+/_-])(?<secret>(?:\+[1-9]\d{0,2}|00[1-9]\d{0,2}[ .-])(?:[ .-]?\(?\d{1,5}\)?){2,6}|\(\d{3}\) ?\d{3}[ .-]\d{4}|\d{3}[.-]\d{3}[.-]\d{4})(?![A-Za-z0-9_]|[.-]\d)/g,
  accepts: (secret) => {
    const digits = secret.replaceAll(/\D/g, '').length;
    return digits >= 8 && digits <= 16;
  },
};
