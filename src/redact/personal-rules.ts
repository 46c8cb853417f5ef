/** Personal data that is masked on request: e-mail addresses and telephone numbers. */

/** Patterns with the flag `g` that look at a bounded number of characters from each place where one may begin. */
export interface PersonalRule {
  readonly kind: string;
  readonly pattern: RegExp;
  readonly accepts: (found: string) => boolean;
}

export const emailRule: PersonalRule = {
  kind: 'email',
  pattern:
    /(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{1,64}(?:@|%40)[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,8}\.[A-Za-z]{2,24}(?![A-Za-z0-9-])/g,
  accepts: () => true,
};

/**
 * International numbers with `+` or `00`, and North American ones with their separators. A run of digits alone is
 * no telephone number: it may as well be a time, an id or a price.
 */
export const phoneRule: PersonalRule = {
  kind: 'phone',
  pattern:
    /(?<![A-Za-z0-9.+/_-])(?:(?:\+[1-9]\d{0,2}|00[1-9]\d{0,2}[ .-])(?:[ .-]?\(?\d{1,5}\)?){2,6}|\(\d{3}\) ?\d{3}[ .-]\d{4}|\d{3}[.-]\d{3}[.-]\d{4})(?![A-Za-z0-9_]|[.-]\d)/g,
  accepts: (found) => {
    const digits = found.replaceAll(/\D/g, '').length;
    return digits >= 8 && digits <= 16;
  },
};
